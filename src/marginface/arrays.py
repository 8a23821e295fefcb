"""NumPy files of others: read without pickle, whatever they claim."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from marginface.errors import DataError
from marginface.words import cause

_LARGEST = 16_000_000_000  # bytes of the arrays of a file, unpacked
_ARRAY, _PICKLE = b"\x93NUMPY", b"\x80"  # first bytes
_LAST_SIGN = 0x10FFFF  # of Unicode; NumPy keeps texts as numbers and does not look

# What NumPy and zipfile raise on bytes that are not what they claim; the header of an array is a Python expression.
_DAMAGE = (
    OSError, EOFError, KeyError, TypeError, AttributeError, SyntaxError, RecursionError, MemoryError, OverflowError,
    NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error, tokenize.TokenError,
)  # fmt: skip


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz file by name.

    Raises:
        DataError: It is none, is damaged, holds Python objects (which only pickle reads), or unpacks to too much.
    """
    with _told(path), path.open("rb") as stream:
        return _arrays(stream, path)


def read_npy(path: Path) -> NDArray[Any]:
    """Return the array of an .npy file; see read_npz."""
    with _told(path):
        _require_array(path)
        return _checked(np.load(path, allow_pickle=False), path)


def map_npy(path: Path) -> NDArray[Any]:
    """Return the array of an .npy file, left on the disk; see read_npz."""
    with _told(path):
        _require_array(path)
        return _checked(np.load(path, mmap_mode="r", allow_pickle=False), path)


def _require_array(path: Path) -> None:
    """Raise DataError for what NumPy would take for a pickle, because it knows nothing else."""
    with path.open("rb") as stream:
        start = stream.read(len(_ARRAY))
    if start != _ARRAY and not start.startswith(_PICKLE):
        raise DataError(f"{path}: no NumPy file: it begins with {start!r}")


def _arrays(stream: IO[bytes], path: Path) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(stream) as packed:
        size = sum(entry.file_size for entry in packed.infolist())
    if size > _LARGEST:
        raise DataError(f"{path}: unpacks to {size:,} bytes; at most {_LARGEST:,} are read")
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as arrays:
        return {name: _checked(arrays[name], path) for name in arrays.files}


def _checked(array: Any, path: Path) -> NDArray[Any]:
    """Return an array; raise DataError for anything else, and for texts that are none."""
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: expected NumPy arrays; got {type(array).__name__}, another file under their name")
    if array.dtype.kind == "U":
        signs = np.frombuffer(array.tobytes(), np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        if signs.size and signs.max() > _LAST_SIGN:
            raise DataError(f"{path}: damaged: a text in it holds signs that Unicode does not have")
    return array


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what NumPy raises on a file that is not as expected into one sentence."""
    try:
        yield
    except ValueError as error:
        if "allow_pickle" in str(error) or "Object arrays" in str(error):
            raise DataError(
                f"{path}: holds Python objects, which only pickle reads, and a pickle may run anything. Where you "
                "trust it, write it anew: np.savez(file, names=np.array(names, dtype=str), embeddings=vectors)"
            ) from None
        raise DataError(f"{path}: damaged, or no NumPy file: {error}") from None
    except _DAMAGE as error:
        raise DataError(f"{path}: cannot be read as a NumPy file: {cause(error)}") from None
