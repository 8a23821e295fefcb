"""Compare embeddings: L2 normalization, cosine, exact top-k. Pure NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginface.contract import require_same_contract
from marginface.errors import InputError
from marginface.values import DoubleArray, Embedding, FloatArray, IntArray

_BLOCK = 8_192  # gallery rows multiplied at once: by 64 probes a product of 2 MB, which stays in the cache
_PROBES = 64
_SLACK = 1e-5  # above twice what a float32 product of unit rows is off
_PAIRS = 256  # multiplied at once: 256 × 512 float64 are 1 MB, and stay in the cache
_ROWS = 64  # × 19,600 columns of float64 are 10 MB
_WORTH = 20  # a product in a block costs about this much less than one of two rows that are gathered first


def l2_normalize(vectors: FloatArray) -> FloatArray:
    """Return vectors (…, D) divided by their Euclidean length, float32.

    Raises:
        InputError: A vector is zero or not finite, so it has no direction.

    >>> l2_normalize(np.array([[3.0, 4.0]], dtype=np.float32))
    array([[0.6, 0.8]], dtype=float32)
    """
    wide = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(wide, axis=-1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise InputError(
            "every vector has a finite length above 0; got a zero or non-finite one, which has no direction"
        )
    return np.asarray(wide / lengths, dtype=np.float32)


def cosine(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the cosine of vectors row by row: (…, D) and (…, D), broadcast, → (…), in [−1, 1]."""
    a, b = np.asarray(first), np.asarray(second)
    if a.ndim == 0 or b.ndim == 0 or a.shape[-1] != b.shape[-1]:
        raise InputError(f"vectors to compare have one length; got shapes {a.shape} and {b.shape}")
    product = np.sum(l2_normalize(a).astype(np.float64) * l2_normalize(b), axis=-1)
    return np.asarray(np.clip(product, -1, 1), dtype=np.float32)


def similarity(first: Embedding, second: Embedding) -> float:
    """Return the cosine of two embeddings; raise ContractMismatch if they come from different contracts."""
    require_same_contract(first.contract, second.contract)
    return float(cosine(first.vector, second.vector))


def top_k(
    probes: FloatArray, gallery: FloatArray, k: int, *, numbers: IntArray | None = None, rows: IntArray | None = None
) -> tuple[IntArray, FloatArray]:
    """Return the k most similar gallery rows of each probe, best first, exactly.

    The gallery is scanned in blocks of 8,192 rows by 64 probes, so memory beside the inputs is small. What comes near
    the k best is summed again in float64 and rounded once: a similarity does not depend on the block or on the other
    probes, and equal rows have equal ones. Of equal similarities the lower number comes first.

    Args:
        probes: Unit rows (P, D).
        gallery: Unit rows (G, D), of the same contract; of float16 rows what they hold is compared exactly.
        k: How many to return, cut to the rows that are searched.
        numbers: (G,) what to call the rows of the gallery; without it their index.
        rows: (R,) indices of the only rows to search; without it all.

    Returns:
        Numbers (P, k) int64 and similarities (P, k) float32.
    """
    if probes.ndim != 2 or gallery.ndim != 2 or probes.shape[1] != gallery.shape[1]:
        raise InputError(f"probes are (P, D) and the gallery is (G, D); got {probes.shape} and {gallery.shape}")
    if k < 1:
        raise InputError(f"k is at least 1; got {k}")
    names = np.arange(len(gallery)) if numbers is None else numbers
    width = min(k, len(gallery) if rows is None else len(rows))
    found = np.full((len(probes), width), -1, dtype=np.int64)
    scores = np.full((len(probes), width), -np.inf, dtype=np.float32)
    for start in range(0, len(probes) if width else 0, _PROBES):
        part = slice(start, start + _PROBES)
        for block in _blocks(gallery, rows):
            near = gallery[block].astype(np.float32, copy=False)
            _improve(probes[part], near, names[block], found[part], scores[part])
    return found, scores


def best_of(probe: FloatArray, rows: FloatArray, numbers: IntArray, k: int) -> tuple[IntArray, FloatArray]:
    """Return the k rows (C, D) most similar to one probe (D,), summed in float64: numbers and similarities (≤ k,).

    The order is that of ``top_k``; this is what an index of another make calls on the candidates it found.
    """
    products = np.einsum("cd,d->c", rows.astype(np.float64), probe.astype(np.float64))
    return _ordered(numbers, np.clip(products, -1, 1).astype(np.float32), k)


def _blocks(gallery: FloatArray, rows: IntArray | None) -> Iterator[slice | IntArray]:
    for start in range(0, len(gallery) if rows is None else len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        yield block if rows is None else rows[block]


def _improve(probes: FloatArray, block: FloatArray, numbers: IntArray, found: IntArray, scores: FloatArray) -> None:
    """Put the rows of a block that belong to the best so far among them: ``found`` and ``scores`` (p, k) change."""
    products = probes @ block.T
    near = products >= _bars(products, scores)[:, None]
    for row in np.flatnonzero(near.any(axis=1)):
        chosen = np.flatnonzero(near[row])
        new, values = best_of(probes[row], block[chosen], numbers[chosen], scores.shape[1])
        both = np.concatenate([found[row], new]), np.concatenate([scores[row], values])
        found[row], scores[row] = _ordered(*both, scores.shape[1])


def _bars(products: FloatArray, scores: FloatArray) -> FloatArray:
    """Return what a product (p, b) has to reach to be looked at: the k-th best so far, less the error of float32."""
    bars = scores[:, -1]
    k = scores.shape[1]
    if products.shape[1] >= k and not np.isfinite(bars).all():
        bars = np.maximum(bars, np.partition(products, -k, axis=1)[:, -k])
    return bars - np.float32(_SLACK)


def _ordered(numbers: IntArray, scores: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    order = np.lexsort((numbers, -scores))[:k]
    return numbers[order], scores[order]


def pair_similarities(embeddings: FloatArray, first: IntArray, second: IntArray) -> DoubleArray:
    """Return the cosine of each pair (P,), summed in float64.

    Where P is not small against the numbers of different rows in ``first`` and ``second`` multiplied (templates: 15.6
    million pairs of 3,500 and 19,600), whole blocks of products are made and the pairs picked from them.

    Args:
        embeddings: Unit rows (N, D) float32.
        first: (P,) rows.
        second: (P,) rows.
    """
    rows, columns = _distinct(first, len(embeddings)), _distinct(second, len(embeddings))
    many = len(rows) * len(columns) <= _WORTH * len(first)
    return _picked(embeddings, first, second, rows, columns) if many else _one_by_one(embeddings, first, second)


def _one_by_one(embeddings: FloatArray, first: IntArray, second: IntArray) -> DoubleArray:
    result = np.empty(len(first), dtype=np.float64)
    for start in range(0, len(first), _PAIRS):
        part = slice(start, start + _PAIRS)
        a, b = (embeddings[index[part]].astype(np.float64) for index in (first, second))
        result[part] = np.einsum("pd,pd->p", a, b)
    return result


def _picked(
    embeddings: FloatArray, first: IntArray, second: IntArray, rows: IntArray, columns: IntArray
) -> DoubleArray:
    """Return the pairs out of blocks of rows × all columns."""
    row_of, column_of = (_numbered(chosen, len(embeddings)) for chosen in (rows, columns))
    right = embeddings[columns].astype(np.float64).T
    row, column = row_of[first], column_of[second]
    order = np.argsort(row, kind="stable")  # of 16 bits: by their digits, ten times as fast as by comparing
    ends = np.searchsorted(row[order], np.arange(_ROWS, len(rows), _ROWS), side="left").tolist()
    result = np.empty(len(first), dtype=np.float64)
    for number, (start, end) in enumerate(pairwise([0, *ends, len(first)])):
        begin = number * _ROWS
        products = embeddings[rows[begin : begin + _ROWS]].astype(np.float64) @ right
        pairs = order[start:end]
        result[pairs] = products[row[pairs] - begin, column[pairs]]
    return result


def _numbered(chosen: IntArray, count: int) -> NDArray[Any]:
    """Return the place of each chosen number among them (count,), in the fewest bits."""
    place = np.zeros(count, dtype=np.min_scalar_type(max(len(chosen) - 1, 0)))
    place[chosen] = np.arange(len(chosen))
    return place


def _distinct(index: IntArray, count: int) -> IntArray:
    """Return the different values of an index into ``count`` rows, rising."""
    present = np.zeros(count, dtype=bool)
    present[index] = True
    return np.flatnonzero(present)
