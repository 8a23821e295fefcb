"""The index that looks at 64 bytes of every face first, and compares only the most promising in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from marginface.matching.index.exact import ExactIndex
from marginface.matching.index.sketch import Scan, fastest_scan, sketches
from marginface.values import FloatArray, IntArray

# Enough for random vectors, and for them alone: of 1,000,000 of 128 numbers all that are 0.42 similar are among them.
# Embeddings are not spread so evenly; what the search misses of them index.recall measures (gallery stats --fpir).
CANDIDATES = 4_000


class SketchIndex(ExactIndex):
    """A VectorIndex that scans sketches and rescores the ``candidates`` nearest by their vectors.

    A face whose cosine with the probe is low may not be among the candidates: index.recall measures how often, at a
    threshold. ``exact=True`` and searches among some owners compare every face.

    Args:
        embedding_size: D.
        capacity: How many faces to make room for at once; more may come.
        candidates: How many faces are rescored at least.
        stored: float32, or float16 for half the memory: similarities are then off by about 2e-5.
        scan: Finds the nearest sketches; without it faiss does where it is installed, NumPy otherwise.
    """

    def __init__(
        self,
        embedding_size: int,
        capacity: int = 0,
        *,
        candidates: int = CANDIDATES,
        stored: DTypeLike = np.float32,
        scan: Scan | None = None,
    ) -> None:
        super().__init__(embedding_size, capacity, stored=stored)
        self._candidates = candidates
        self._scan = scan or fastest_scan()

    def _columns(self, vectors: FloatArray, owners: IntArray) -> Mapping[str, NDArray[Any]]:
        return {**super()._columns(vectors, owners), "sketches": sketches(vectors)}

    def _near(self, probes: FloatArray, k: int) -> Iterator[IntArray] | None:
        wanted = max(self._candidates, 2 * k)
        if len(self._rows) <= wanted:
            return None
        return self._scan(sketches(probes), self._rows.column("sketches"), wanted)
