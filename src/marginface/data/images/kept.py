"""What is slow to find out about large files, kept in the cache folder until one of the files changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginface.arrays import read_npz
from marginface.errors import DataError
from marginface.files import write_whole
from marginface.weights.cache import cache_folder


def kept_place(what: str, files: Sequence[Path]) -> Path:
    """Return where arrays about these files as they are now are kept: by path, size and time of the last change.

    Ask before the files are read: what changes meanwhile is then not taken for what was read.

    Raises:
        OSError: a file is not there.
    """
    names, states = hashlib.sha256(what.encode()), hashlib.sha256()
    for path in files:
        status = path.stat()
        names.update(f"\0{path.resolve()}".encode("utf-8", "surrogateescape"))
        states.update(f"{status.st_size} {status.st_mtime_ns}\0".encode())
    return cache_folder() / "data" / f"{names.hexdigest()[:24]}-{states.hexdigest()[:24]}.npz"


def kept_arrays(place: Path) -> dict[str, NDArray[Any]] | None:
    """Return the arrays that were kept at a place, or None."""
    try:
        return read_npz(place)
    except DataError:  # there is none, or it is damaged: what it says is found out again
        return None


def keep_arrays(place: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Keep arrays, in place of those about the same files as they were before.

    Where the cache folder cannot be written nothing is kept, and all is found out again next time.
    """
    with suppress(OSError):
        write_whole(place, lambda stream: np.savez(stream, **dict(arrays)))  # type: ignore[arg-type]
        for old in place.parent.glob(f"{place.name.split('-')[0]}-*.npz"):
            if old != place:
                old.unlink(missing_ok=True)


def text_array(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Return texts as one array of bytes, for keep_arrays."""
    return np.frombuffer("\0".join(texts).encode("utf-8", "surrogateescape"), np.uint8)


def texts_of(array: NDArray[Any]) -> list[str]:
    """Return the texts of text_array; no text has a NUL in it."""
    joined = array.tobytes().decode("utf-8", "surrogateescape")
    return joined.split("\0") if joined else []
