"""What is slow to find out about large files, kept in the cache folder until one of the files changes."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginface.files import write_whole
from marginface.weights.cache import cache_folder


def kept_arrays(what: str, files: Sequence[Path]) -> dict[str, NDArray[Any]] | None:
    """Return the arrays that were kept under this name for these files as they are now, or None.

    The files are known by path, size and time of the last change.
    """
    try:
        with _place(what, files).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def keep_arrays(what: str, files: Sequence[Path], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Keep arrays for these files; where the cache folder cannot be written they are found out again next time."""
    with suppress(OSError):
        write_whole(_place(what, files), lambda stream: np.savez(stream, **dict(arrays)))  # type: ignore[arg-type]


def text_array(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Return texts as one array of bytes, for keep_arrays."""
    return np.frombuffer("\0".join(texts).encode("utf-8", "surrogateescape"), np.uint8)


def texts_of(array: NDArray[Any]) -> list[str]:
    """Return the texts of text_array; no text has a NUL in it."""
    joined = array.tobytes().decode("utf-8", "surrogateescape")
    return joined.split("\0") if joined else []


def _place(what: str, files: Sequence[Path]) -> Path:
    digest = hashlib.sha256(what.encode())
    for path in files:
        status = path.stat()
        digest.update(f"\0{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}".encode("utf-8", "surrogateescape"))
    return cache_folder() / "data" / f"{digest.hexdigest()[:32]}.npz"
