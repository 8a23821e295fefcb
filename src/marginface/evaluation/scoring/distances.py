"""How alike probes and gallery entries are: the cosine, or a distance turned into a similarity in [−1, 1].

For unit vectors of D numbers the Euclidean distance is √(2 − 2·cosine), which orders as the cosine does; the Manhattan
distance Σ|a − b| does not, and is at most 2√D. A distance d with largest value m gives the similarity 1 − 2·d/m.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from marginface.registry import Registry
from marginface.values import DoubleArray, FloatArray

Compare = Callable[[FloatArray, FloatArray], DoubleArray]  # (P, D), (N, D) → (P, N)
_ENTRIES = 64  # compared at once by Manhattan: 1,024 × 64 × 512 float64 are 268 MB


def cosines(probes: FloatArray, gallery: FloatArray) -> DoubleArray:
    """Return the cosine of every probe and entry, (P, N); unit rows."""
    return probes.astype(np.float64) @ gallery.astype(np.float64).T


def euclidean(probes: FloatArray, gallery: FloatArray) -> DoubleArray:
    """Return 1 − ‖a − b‖, (P, N); unit rows."""
    return 1 - np.sqrt(np.maximum(2 - 2 * cosines(probes, gallery), 0))


def manhattan(probes: FloatArray, gallery: FloatArray) -> DoubleArray:
    """Return 1 − Σ|a − b| / √D, (P, N); unit rows."""
    wide = probes.astype(np.float64)
    sums = np.empty((len(probes), len(gallery)))
    for start in range(0, len(gallery), _ENTRIES):
        block = gallery[start : start + _ENTRIES].astype(np.float64)
        sums[:, start : start + _ENTRIES] = np.abs(wide[:, None] - block[None]).sum(axis=2)
    return np.asarray(1 - sums / np.sqrt(probes.shape[1]))


DISTANCES: Registry[Compare] = Registry("distance")
DISTANCES.add("cosine", cosines)
DISTANCES.add("euclidean", euclidean)
DISTANCES.add("manhattan", manhattan)
