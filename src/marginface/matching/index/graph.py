"""An index over a graph of neighbors, by usearch: searches of a millisecond that may miss a face.

Source: Malkov & Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical navigable small
world graphs", TPAMI 2018, arXiv:1603.09320.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from marginface.errors import MissingExtra
from marginface.matching.index.exact import ExactIndex
from marginface.values import FloatArray, IntArray

_NEIGHBORS = 32  # edges of a face in the graph
_EFFORT_ADDING = 128
_CANDIDATES = 64  # rescored at least


class GraphIndex(ExactIndex):
    """A VectorIndex that walks a graph to the nearest faces and rescores them by their vectors.

    The graph holds a second copy of each vector, float16. It is slow to build (about 1 ms a face and more) and may miss
    a face at any similarity, more often the larger ``embedding_size``: index.recall measures how often. ``exact=True``
    and searches among some owners compare every face.

    Args:
        embedding_size: D.
        capacity: How many faces to make room for at once; more may come.
        effort: How many faces a walk keeps in view: more is slower and misses less.

    Raises:
        MissingExtra: usearch is not installed.
    """

    def __init__(self, embedding_size: int, capacity: int = 0, *, effort: int = 256) -> None:
        if not find_spec("usearch"):
            raise MissingExtra("a graph of neighbors needs usearch: pip install 'marginface[usearch]'")
        from usearch.index import Index

        super().__init__(embedding_size, capacity)
        self._effort = effort
        self._graph = Index(
            ndim=embedding_size,
            metric="ip",
            dtype="f16",
            connectivity=_NEIGHBORS,
            expansion_add=_EFFORT_ADDING,
            expansion_search=effort,
        )

    def upsert(self, ids: IntArray, vectors: FloatArray, owners: IntArray) -> None:
        """Add or replace faces; see VectorIndex.upsert."""
        with self._lock:
            super().upsert(ids, vectors, owners)
            keys = np.asarray(ids, np.uint64)
            self._leave(keys)
            self._graph.add(keys, np.asarray(vectors, np.float32))

    def delete(self, ids: IntArray) -> None:
        """Remove faces; the graph forgets its copy when the place is used again or the index is closed."""
        with self._lock:
            super().delete(ids)
            self._leave(np.asarray(ids, np.uint64))

    def close(self) -> None:
        """Give the memory back."""
        with self._lock:
            super().close()
            self._graph.reset()  # type: ignore[no-untyped-call]

    def _leave(self, keys: NDArray[np.uint64]) -> None:
        present = keys[np.asarray(self._graph.contains(keys), bool)] if len(keys) else keys
        if len(present):
            self._graph.remove(present)

    def _near(self, probes: FloatArray, k: int) -> Iterator[IntArray] | None:
        wanted = max(_CANDIDATES, 2 * k)
        if len(self._rows) <= wanted:
            return None
        return (self._walk(probe, wanted) for probe in probes)

    def _walk(self, probe: FloatArray, wanted: int) -> IntArray:
        places = self._rows.places(np.asarray(self._graph.search(probe, wanted).keys, np.int64))
        return places[places >= 0]
