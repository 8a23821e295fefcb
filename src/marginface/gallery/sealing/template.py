"""A vector as the bytes that are sealed, a template: float32, least byte first."""

from __future__ import annotations

import numpy as np

from marginface.errors import GalleryError
from marginface.values import FloatArray

_STORED = np.dtype("<f4")


def stored_bytes(vectors: FloatArray) -> list[bytes]:
    """Return rows (N, D) as the bytes that are sealed, one by one."""
    return [row.tobytes() for row in np.ascontiguousarray(vectors, dtype=_STORED)]


def stored_vectors(content: bytes, embedding_size: int) -> FloatArray:
    """Return the rows (N, D) of these bytes; raise GalleryError if they do not come out even."""
    if len(content) % (embedding_size * _STORED.itemsize):
        raise GalleryError(f"a template has {len(content)} bytes; {embedding_size} float32 numbers are expected")
    return np.frombuffer(content, dtype=_STORED).reshape(-1, embedding_size).astype(np.float32, copy=False)
