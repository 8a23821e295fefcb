"""The folder that keeps weights, and writing into it so that a file is there whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from marginface.errors import WeightsError


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


def write_whole(path: Path, fill: Callable[[IO[bytes]], None]) -> Path:
    """Let ``fill`` write a temporary file in the same folder, then put it in place at once; return the path.

    Whatever ``fill`` raises passes through, and the temporary file is gone.

    Raises:
        WeightsError: The folder or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise _not_writable(path, error) from None
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            fill(stream)
        part.replace(path)
    except OSError as error:
        raise _not_writable(path, error) from None
    finally:
        part.unlink(missing_ok=True)
    return path


def _not_writable(path: Path, error: OSError) -> WeightsError:
    reason = error.strerror or str(error)
    return WeightsError(f"{path}: cannot write here: {reason}. Set MARGINFACE_CACHE to a folder that can be written.")
