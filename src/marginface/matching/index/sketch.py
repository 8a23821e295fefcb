"""64 bytes a face that say roughly where its vector points: the signs of 512 random projections.

The share of equal signs of two vectors at angle θ is 1 − θ/π on average (Goemans & Williamson, J. ACM 42, 1995;
Charikar, STOC 2002): few different bits, a small Hamming distance, mean a high cosine. The projections are the rows of
random orthogonal matrices, one below the other: their signs disagree less by chance than those of independent ones (Ji
et al., "Super-bit locality-sensitive hashing", NIPS 2012). They are drawn from a fixed seed; sketches are never stored,
so no file depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from marginface.values import FloatArray, IntArray

BITS = 512
WORDS = BITS // 64
Sketches = NDArray[np.uint64]  # (N, 8)

# What looks for near sketches: probes (P, 8), all (N, 8), how many at least → for each probe rising positions.
Scan = Callable[[Sketches, Sketches, int], Iterator[IntArray]]

_BLOCK = 16_384  # sketches compared at once: 1 MB, which stays in the cache
_SEED = 20_260_101
_PAIRS = np.uint64(0x00FF00FF00FF00FF)
_EIGHT = np.uint64(8)
_SUM = np.uint64(0x0001000100010001)
_TOP = np.uint64(48)


def sketches(vectors: FloatArray) -> Sketches:
    """Return the sketches (N, 8) of unit rows (N, D).

    >>> rows = np.eye(4, dtype=np.float32)
    >>> sketches(rows).shape, int(np.bitwise_count(sketches(rows)[0] ^ sketches(-rows)[0]).sum())
    ((4, 8), 512)
    """
    projection = _projection(vectors.shape[1])
    made = np.empty((len(vectors), WORDS), np.uint64)
    for start in range(0, len(vectors), _BLOCK):
        signs = vectors[start : start + _BLOCK] @ projection > 0
        made[start : start + _BLOCK] = np.packbits(signs, axis=1).view(np.uint64)
    return made


def numpy_scan(probes: Sketches, all_sketches: Sketches, wanted: int) -> Iterator[IntArray]:
    """Find the nearest sketches with NumPy alone; those as near as the last one wanted are all found."""
    distances = np.empty(len(all_sketches), np.uint16)
    for probe in probes:
        for start in range(0, len(all_sketches), _BLOCK):
            part = slice(start, start + _BLOCK)
            distances[part] = _distances(probe, all_sketches[part])
        yield _nearest(distances, wanted)


def faiss_scan(probes: Sketches, all_sketches: Sketches, wanted: int) -> Iterator[IntArray]:
    """Find the nearest sketches with faiss, whose processor code is several times faster."""
    import faiss

    rows, wanted = all_sketches.view(np.uint8), min(wanted, len(all_sketches))
    for probe in probes.view(np.uint8):  # one by one: together they take faiss three times as long each
        _, positions = faiss.knn_hamming(probe[np.newaxis], rows, wanted)
        yield np.sort(np.asarray(positions[0], np.int64))


def fastest_scan() -> Scan:
    """Return the scan of faiss where it is installed, NumPy's otherwise."""
    return faiss_scan if find_spec("faiss") else numpy_scan


@cache
def _projection(embedding_size: int) -> FloatArray:
    """Return (D, 512): columns of random orthogonal matrices side by side."""
    random = np.random.default_rng(_SEED)
    width = min(embedding_size, BITS)
    blocks = [np.linalg.qr(random.normal(size=(embedding_size, width)))[0] for _ in range(-(-BITS // width))]
    return np.ascontiguousarray(np.hstack(blocks)[:, :BITS], dtype=np.float32)


def _distances(probe: Sketches, block: Sketches) -> NDArray[np.uint64]:
    """Return the Hamming distances (B,) of a probe (8,) to sketches (B, 8).

    The eight bit counts of a row are one 64-bit word of eight bytes: neighbors are added to four 16-bit numbers, and
    a product with 1 + 2¹⁶ + 2³² + 2⁴⁸ has their sum in its top 16 bits. That is three times as fast as sum(axis=1).
    """
    counts = np.bitwise_count(block ^ probe).view(np.uint64)[:, 0]
    four = (counts & _PAIRS) + ((counts >> _EIGHT) & _PAIRS)
    return np.asarray((four * _SUM) >> _TOP)


def _nearest(distances: NDArray[np.uint16], wanted: int) -> IntArray:
    """Return the positions of the smallest distances, at least ``wanted`` if there are so many, and all equal ones."""
    within = np.cumsum(np.bincount(distances, minlength=BITS + 1))
    return np.flatnonzero(distances <= np.searchsorted(within, min(wanted, len(distances))))
