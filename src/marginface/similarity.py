"""Compare embeddings: L2 normalization, cosine, exact top-k. Pure NumPy."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginface.contract import require_same_contract
from marginface.errors import InputError
from marginface.values import DoubleArray, Embedding, FloatArray, IntArray

_BLOCK = 65_536
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


def top_k(probes: FloatArray, gallery: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """Return the k most similar gallery rows of each probe, best first, exactly.

    The gallery is scanned in blocks, so memory beside the inputs is P × (block + k). Of equal similarities the lower
    index comes first.

    Args:
        probes: Unit rows (P, D).
        gallery: Unit rows (G, D), of the same contract.
        k: How many to return, cut to G.

    Returns:
        Indices (P, k) int64 and similarities (P, k) float32.
    """
    if probes.ndim != 2 or gallery.ndim != 2 or probes.shape[1] != gallery.shape[1]:
        raise InputError(f"probes are (P, D) and the gallery is (G, D); got {probes.shape} and {gallery.shape}")
    if k < 1:
        raise InputError(f"k is at least 1; got {k}")
    indices = np.empty((len(probes), 0), dtype=np.int64)
    scores = np.empty((len(probes), 0), dtype=np.float32)
    for start in range(0, len(gallery), _BLOCK):
        block = probes @ gallery[start : start + _BLOCK].T
        numbers = np.broadcast_to(np.arange(start, start + block.shape[1]), block.shape)
        indices, scores = _best(np.hstack([indices, numbers]), np.hstack([scores, block]), k)
    return indices, scores


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


def _best(indices: IntArray, scores: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """Keep the k best columns of each row; columns are in rising index among equals, and a stable sort keeps that."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(indices, order, axis=1), np.take_along_axis(scores, order, axis=1)
