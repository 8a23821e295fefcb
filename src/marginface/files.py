"""Writing a file so that it is there whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO


def write_whole(path: Path, fill: Callable[[IO[bytes]], object]) -> Path:
    """Let ``fill`` write a temporary file in the same folder, then put it in place at once; return the path.

    The folder is made if it is missing; who may read the file is as for any new file. Whatever ``fill`` raises passes
    through, and the temporary file is gone.

    Raises:
        OSError: the folder or the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        with part.open("xb") as stream:
            fill(stream)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
