"""The folder that keeps weights, and writing into it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

from marginface.errors import CacheError
from marginface.files import write_whole


def cache_folder() -> Path:
    """Return the folder for weights: $MARGINFACE_CACHE, or the platform's cache folder; it need not exist yet."""
    chosen = os.environ.get("MARGINFACE_CACHE", "")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "marginface"
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "marginface" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "marginface"


def keep(path: Path, fill: Callable[[IO[bytes]], object]) -> Path:
    """Let ``fill`` write a file of the cache, whole or not at all; return the path.

    Raises:
        CacheError: The folder or the file cannot be written.
    """
    try:
        return write_whole(path, fill)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CacheError(
            f"{path}: cannot write here: {reason}. Set MARGINFACE_CACHE to a folder that can be written."
        ) from None
