"""A secret rotation of a collection's vectors, so that the vectors of two galleries cannot be compared.

A rotation Q is orthogonal: (xQ)·(yQ) = x·y, so every cosine inside the collection stays what it was, to the rounding
of float32. A vector of another collection, rotated by another Q or by none, has no meaningful cosine with it.

It hides who is in both of two galleries from someone who has the vectors of both and the key of neither. It does not
hide a face from someone who has the key, nor from someone who knows about as many pairs of a vector and its rotated
form as the vector has numbers: those determine Q. ISO/IEC 24745 calls the property unlinkability.
"""

from __future__ import annotations

import hashlib

import numpy as np

from marginface.values import DoubleArray, FloatArray

_WORD = 2.0**-64


class Rotation:
    """A rotation of vectors of D numbers, the same for the same key on every machine.

    The key gives D² normal numbers (SHAKE-256, Box-Muller); Q is that of their QR decomposition, its columns' signs
    such that R has a positive diagonal: uniform over the orthogonal matrices (Mezzadri 2007, arXiv:math-ph/0609050).

    >>> rotation = Rotation(b"key", 4)
    >>> vector = np.array([[1, 0, 0, 0]], np.float32)
    >>> np.abs(rotation.back(rotation.turn(vector)) - vector).max() < 1e-6
    np.True_
    """

    def __init__(self, key: bytes, embedding_size: int) -> None:
        self._matrix = _orthogonal(key, embedding_size)

    def turn(self, vectors: FloatArray) -> FloatArray:
        """Return vectors (N, D) rotated."""
        return np.asarray(vectors.astype(np.float64) @ self._matrix, dtype=np.float32)

    def back(self, vectors: FloatArray) -> FloatArray:
        """Return rotated vectors (N, D) as they were."""
        return np.asarray(vectors.astype(np.float64) @ self._matrix.T, dtype=np.float32)


def _orthogonal(key: bytes, size: int) -> DoubleArray:
    """Return an orthogonal matrix (size, size) that depends on the key alone."""
    q, r = np.linalg.qr(_normal(key, size * size).reshape(size, size))
    return np.asarray(q * np.where(np.diag(r) < 0, -1.0, 1.0))


def _normal(key: bytes, count: int) -> DoubleArray:
    """Return independent standard normal numbers (count,); NumPy's own may change from version to version."""
    half = (count + 1) // 2
    words = np.frombuffer(hashlib.shake_256(key).digest(16 * half), dtype="<u8").astype(np.float64)
    first, second = (words[:half] + 1) * _WORD, words[half:] * _WORD
    radius, angle = np.sqrt(-2 * np.log(first)), 2 * np.pi * second
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]
