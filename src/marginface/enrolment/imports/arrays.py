"""NumPy files of others: read without pickle, whatever they claim."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginface.errors import DataError

_LARGEST = 16_000_000_000  # bytes of the arrays of a file, unpacked


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz file by name.

    Raises:
        DataError: It is none, is damaged, holds Python objects (which only pickle reads), or unpacks to too much.
    """
    with _told(path):
        with zipfile.ZipFile(path) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
        if size > _LARGEST:
            raise DataError(f"{path}: unpacks to {size:,} bytes; at most {_LARGEST:,} are read")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}


def read_npy(path: Path) -> NDArray[Any]:
    """Return the array of an .npy file; see read_npz."""
    with _told(path):
        array = np.load(path, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: expected one array")
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
    except (OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError, SyntaxError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be read as a NumPy file: {reason}") from None
