"""Embeddings kept between evaluations, by the content of the photo, how it was cropped, and the contract.

One SQLite file; a photo that was embedded once under a contract is neither searched for a face nor embedded again, in
whatever protocol it stands. A photo without a face is remembered too. Deleting the file loses time and nothing else.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

import numpy as np

from marginface.errors import DataError
from marginface.values import FloatArray, ImageArray

_MAKE = "CREATE TABLE IF NOT EXISTS embeddings (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"
_ASKED = 500  # keys in one question


class EmbeddingMemory:
    """A file of embeddings; one process writes at a time, threads may ask.

    Args:
        path: of the file; it is made if it is not there.
        cropping: how photos become crops, in words that two ways do not share.
    """

    def __init__(self, path: Path, cropping: str) -> None:
        self._cropping = cropping
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        self._connection = _opened(path)

    def key(self, photo: ImageArray, vectors: str) -> bytes:
        """Return what names a decoded photo whose vectors are of this name (contract and variant): 32 bytes."""
        digest = hashlib.sha256(f"{self._cropping}|{vectors}|{photo.shape}".encode())
        digest.update(np.ascontiguousarray(photo).data)
        return digest.digest()

    def known(self, keys: Sequence[bytes]) -> dict[bytes, FloatArray | None]:
        """Return what is kept of these: the vector, or None of a photo without a face."""
        found: dict[bytes, FloatArray | None] = {}
        for start in range(0, len(keys), _ASKED):
            part = keys[start : start + _ASKED]
            marks = ",".join("?" * len(part))
            with self._lock:
                rows = self._connection.execute(f"SELECT key, vector FROM embeddings WHERE key IN ({marks})", part)  # noqa: S608
                found |= {key: None if vector is None else _vector(vector) for key, vector in rows}
        return found

    def keep(self, vectors: Mapping[bytes, FloatArray | None]) -> None:
        """Keep vectors; None: no face."""
        rows = [
            (key, None if vector is None else vector.astype(np.float32).tobytes()) for key, vector in vectors.items()
        ]
        with self._lock, self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?)", rows)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _opened(path: Path) -> sqlite3.Connection:
    wrong = "{path}: not a file of kept embeddings ({error}); delete it, it only saves time"
    try:
        connection = sqlite3.connect(path, check_same_thread=False, timeout=30)
    except sqlite3.DatabaseError as error:
        raise DataError(wrong.format(path=path, error=error)) from None
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(_MAKE)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise DataError(wrong.format(path=path, error=error)) from None
    return connection


def _vector(data: bytes) -> FloatArray:
    return np.frombuffer(data, dtype=np.float32)
