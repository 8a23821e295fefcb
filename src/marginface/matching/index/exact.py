"""The index that compares every face: rows in memory, multiplied by the probes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from marginface.errors import InputError
from marginface.matching.index.protocol import (
    NOBODY,
    Hits,
    Snapshot,
    checked_ids,
    checked_rows,
    checked_search,
    padded,
)
from marginface.matching.index.rows import Rows
from marginface.similarity import top_k
from marginface.values import FloatArray, IntArray


class ExactIndex:
    """A VectorIndex that misses nothing: N·D products a search, 4·D + 16 bytes a face and about 110 for its id.

    Args:
        embedding_size: D.
        capacity: How many faces to make room for at once; more may come.
        stored: float32, or float16 for half the memory: similarities are then off by about 2e-5, and searches slower.

    >>> index = ExactIndex(2)
    >>> index.upsert(np.array([5, 6]), np.array([[1, 0], [0.6, 0.8]], np.float32), np.array([1, 1]))
    >>> hits = index.search(np.array([[0, 1]], np.float32), k=3)
    >>> hits.ids.tolist(), hits.similarities.round(2).tolist()
    ([[6, 5, -1]], [[0.800000011920929, 0.0, -inf]])
    """

    def __init__(self, embedding_size: int, capacity: int = 0, *, stored: DTypeLike = np.float32) -> None:
        if np.dtype(stored) not in (np.float32, np.float16):
            raise InputError(f"vectors are stored as float32 or float16; got {np.dtype(stored)}")
        self._size = embedding_size
        empty = np.empty((0, embedding_size), np.float32)
        columns = self._columns(empty, np.empty(0, np.int64))
        self._rows = Rows({**columns, "vectors": empty.astype(stored)}, capacity)
        self._lock = threading.RLock()

    @property
    def embedding_size(self) -> int:
        """How many numbers a vector has."""
        return self._size

    def upsert(self, ids: IntArray, vectors: FloatArray, owners: IntArray) -> None:
        """Add or replace faces; see VectorIndex.upsert."""
        faces, rows, persons = checked_rows(ids, vectors, owners, self._size)
        columns = self._columns(rows, persons)
        with self._lock:
            self._rows.put(faces, columns)

    def delete(self, ids: IntArray) -> None:
        """Remove faces; what they held is overwritten in memory."""
        faces = checked_ids(ids)
        with self._lock:
            self._rows.remove(faces)

    def search(self, probes: FloatArray, k: int, *, owners: IntArray | None = None, exact: bool = False) -> Hits:
        """Return the k faces most similar to each probe; see VectorIndex.search. Among owners it is always exact."""
        asked, persons = checked_search(probes, k, owners, self._size)
        with self._lock:
            if persons is not None:
                of_them = np.flatnonzero(np.isin(self._rows.column("owners"), persons))
                return padded(*self._top(asked, k, of_them), k)
            near = None if exact else self._near(asked, k)
            return padded(*self._top(asked, k), k) if near is None else self._rescored(asked, near, k)

    def count(self) -> int:
        """Return how many faces there are."""
        return len(self._rows)

    def snapshot(self) -> Snapshot:
        """Return a copy of all faces by rising id, float32 whatever is stored."""
        with self._lock:
            order = np.argsort(self._rows.ids)
            ids, owners, vectors = (self._rows.column(name)[order] for name in ("ids", "owners", "vectors"))
            return Snapshot(ids, owners, vectors.astype(np.float32, copy=False))

    def close(self) -> None:
        """Give the memory back."""
        with self._lock:
            self._rows.clear()

    def _columns(self, vectors: FloatArray, owners: IntArray) -> Mapping[str, NDArray[Any]]:
        """Return what is kept of each face besides its id."""
        return {"owners": owners, "vectors": vectors}

    def _near(self, probes: FloatArray, k: int) -> Iterable[IntArray] | None:  # noqa: ARG002
        """Return the rows to compare with each probe, or None for all: an index with a shortcut says which."""
        return None

    def _rescored(self, probes: FloatArray, near: Iterable[IntArray], k: int) -> Hits:
        ids = np.full((len(probes), k), NOBODY)
        similarities = np.full((len(probes), k), -np.inf, np.float32)
        for number, rows in enumerate(near):
            found, values = self._top(probes[number : number + 1], k, rows)
            ids[number, : found.shape[1]], similarities[number, : found.shape[1]] = found[0], values[0]
        return Hits(ids, similarities)

    def _top(self, probes: FloatArray, k: int, rows: IntArray | None = None) -> tuple[IntArray, FloatArray]:
        return top_k(probes, self._rows.column("vectors"), k, numbers=self._rows.ids, rows=rows)
