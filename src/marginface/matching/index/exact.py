"""The index that compares every face: float32 rows in memory, multiplied by the probes."""

from __future__ import annotations

import threading

import numpy as np

from marginface.matching.index.protocol import Hits, Snapshot, checked_ids, checked_rows, checked_search, padded
from marginface.matching.index.rows import Rows
from marginface.similarity import top_k
from marginface.values import FloatArray, IntArray


class ExactIndex:
    """A VectorIndex that misses nothing: N·D products a search, 4·D + 16 bytes a face and about 100 for its id.

    Args:
        embedding_size: D.
        capacity: How many faces to make room for at once; more may come.

    >>> index = ExactIndex(2)
    >>> index.upsert(np.array([5, 6]), np.array([[1, 0], [0.6, 0.8]], np.float32), np.array([1, 1]))
    >>> hits = index.search(np.array([[0, 1]], np.float32), k=3)
    >>> hits.ids.tolist(), hits.similarities.round(2).tolist()
    ([[6, 5, -1]], [[0.800000011920929, 0.0, -inf]])
    """

    def __init__(self, embedding_size: int, capacity: int = 0) -> None:
        columns = {"owners": np.empty(0, np.int64), "vectors": np.empty((0, embedding_size), np.float32)}
        self._rows = Rows(columns, capacity)
        self._size = embedding_size
        self._lock = threading.Lock()

    @property
    def embedding_size(self) -> int:
        """How many numbers a vector has."""
        return self._size

    def upsert(self, ids: IntArray, vectors: FloatArray, owners: IntArray) -> None:
        """Add or replace faces; see VectorIndex.upsert."""
        faces, rows, persons = checked_rows(ids, vectors, owners, self._size)
        with self._lock:
            self._rows.put(faces, {"owners": persons, "vectors": rows})

    def delete(self, ids: IntArray) -> None:
        """Remove faces; what they held is overwritten in memory."""
        faces = checked_ids(ids)
        with self._lock:
            self._rows.remove(faces)

    def search(self, probes: FloatArray, k: int, *, owners: IntArray | None = None, exact: bool = False) -> Hits:  # noqa: ARG002
        """Return the k faces most similar to each probe, always exactly; see VectorIndex.search."""
        asked, persons = checked_search(probes, k, owners, self._size)
        with self._lock:
            chosen = None if persons is None else np.flatnonzero(np.isin(self._rows.column("owners"), persons))
            return padded(*top_k(asked, self._rows.column("vectors"), k, numbers=self._rows.ids, rows=chosen), k)

    def count(self) -> int:
        """Return how many faces there are."""
        return len(self._rows)

    def snapshot(self) -> Snapshot:
        """Return a copy of all faces by rising id."""
        with self._lock:
            order = np.argsort(self._rows.ids)
            return Snapshot(*(self._rows.column(name)[order] for name in ("ids", "owners", "vectors")))

    def close(self) -> None:
        """Give the memory back."""
        with self._lock:
            self._rows.clear()
