"""Of all pairs of N photos: every genuine one by its numbers, and the most similar impostor ones, exactly.

N photos have N·(N − 1)/2 pairs, 5 billion for 100,000, and a small FAR looks at the most similar of them alone. So all
are multiplied, tile by tile in float32, and no more is kept than was asked for. What may belong to the most similar,
after the largest error that a float32 product can have, is summed again in float64: the result is that of comparing
every pair in float64, whatever the tiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from marginface.errors import InputError
from marginface.values import LENGTH_ERROR, BoolArray, DoubleArray, FloatArray, IntArray, frozen

_ROWS, _COLUMNS = 512, 8_192  # a tile of 16 MB
_WAITING = 1 << 20  # likely pairs that wait to be summed again; more where more are kept
_PAIRS = 256  # summed at once: 256 × 512 float64 are 1 MB, and stay in the cache


@dataclass(frozen=True, slots=True, eq=False)
class HardestPairs:
    """The most similar pairs, falling: ``first`` and ``second`` (K,) are rows, ``similarities`` (K,) their cosines."""

    first: IntArray
    second: IntArray
    similarities: DoubleArray

    def __post_init__(self) -> None:
        for name in ("first", "second", "similarities"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


def genuine_pairs(people: IntArray) -> tuple[IntArray, IntArray]:
    """Return every pair of photos of one person, once each: the rows of its first and of its second photo.

    >>> first, second = genuine_pairs(np.array([7, 9, 7, 7]))
    >>> first.tolist(), second.tolist()
    ([0, 0, 2], [2, 3, 3])
    """
    order = np.argsort(people, kind="stable")
    begins = np.flatnonzero(np.diff(people[order], prepend=people[order][:1] - 1))
    sizes = np.diff(np.append(begins, len(people)))
    before = np.arange(len(people)) - np.repeat(begins, sizes)  # photos of the same person that come before
    place = np.arange(int(before.sum())) - np.repeat(np.cumsum(before) - before, before)
    return order[np.repeat(np.repeat(begins, sizes), before) + place], order[np.repeat(np.arange(len(people)), before)]


def hardest_impostors(embeddings: FloatArray, people: IntArray, most: int) -> HardestPairs:
    """Return the most similar pairs of photos of two people, ``first`` below ``second``.

    Of equal pairs those with the lower rows come first, and are kept.

    Args:
        embeddings: unit rows (N, D).
        people: (N,) whose they are, any integers.
        most: how many pairs, cut to those there are.

    Raises:
        InputError: shapes do not fit, or rows are not of length 1.

    >>> rows = np.array([[1, 0], [1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)
    >>> found = hardest_impostors(rows, np.array([0, 0, 1, 2]), most=2)
    >>> found.first.tolist(), found.second.tolist(), found.similarities.round(2).tolist()
    ([2, 0], [3, 2], [0.8, 0.6])
    """
    _require_fit(embeddings, people, most)
    kept = _Kept(embeddings, embeddings, most)
    for rows, columns in _tiles(len(embeddings), len(embeddings)):
        if columns.stop > rows.start:
            one, other, values = kept.likely(rows, columns)
            good = (one < other) & (people[one] != people[other])
            kept.offer(one[good], other[good], values[good])
    return kept.found()


def hardest_crossed(
    first: FloatArray, second: FloatArray, first_people: IntArray, second_people: IntArray, most: int
) -> HardestPairs:
    """Return the most similar pairs of a photo of one set and a photo of another person of the other set.

    Photos with and without a mask, or probes and distractors.

    Args:
        first: unit rows (N, D).
        second: unit rows (M, D).
        first_people: (N,) whose the first are.
        second_people: (M,) whose the second are, in the same numbers.
        most: how many pairs, cut to those there are.

    Raises:
        InputError: shapes do not fit, or rows are not of length 1.
    """
    _require_fit(first, first_people, most)
    _require_fit(second, second_people, most)
    if first.shape[1] != second.shape[1]:
        raise InputError(f"two sets to compare have vectors of one length; got {first.shape} and {second.shape}")
    kept = _Kept(first, second, most)
    for rows, columns in _tiles(len(first), len(second)):
        one, other, values = kept.likely(rows, columns)
        good = first_people[one] != second_people[other]
        kept.offer(one[good], other[good], values[good])
    return kept.found()


def _require_fit(embeddings: FloatArray, people: IntArray, most: int) -> None:
    if embeddings.ndim != 2 or people.shape != embeddings.shape[:1]:
        raise InputError(f"embeddings are (N, D) with a person each, (N,); got {embeddings.shape} and {people.shape}")
    if most < 1:
        raise InputError(f"1 pair or more is kept; got {most}")
    norms = np.sqrt(np.einsum("nd,nd->n", embeddings, embeddings))
    if len(norms) and not np.allclose(norms, 1, atol=LENGTH_ERROR):
        raise InputError(f"embeddings are unit rows; got norms {norms.min():.3f} to {norms.max():.3f}")


def _tiles(rows: int, columns: int) -> Iterator[tuple[slice, slice]]:
    for row in range(0, rows, _ROWS):
        for column in range(0, columns, _COLUMNS):
            yield slice(row, min(row + _ROWS, rows)), slice(column, min(column + _COLUMNS, columns))


class _Kept:
    """The ``most`` most similar of the pairs that were offered; a pair is known by row · M + column."""

    def __init__(self, first: FloatArray, second: FloatArray, most: int) -> None:
        self._first, self._second, self._most = first, second, most
        self._error = product_error(first.shape[1])
        self._codes, self._values = np.empty(0, np.int64), np.empty(0)
        self._waiting: list[tuple[IntArray, FloatArray]] = []
        self._bar = np.float32(-np.inf)

    def likely(self, rows: slice, columns: slice) -> tuple[IntArray, IntArray, FloatArray]:
        """Return the pairs of a tile that may be among the most similar, and their float32 products."""
        products = (self._first[rows] @ self._second[columns].T).ravel()
        places = np.flatnonzero(products >= self._bar)
        row, column = np.divmod(places, columns.stop - columns.start)
        return row + rows.start, column + columns.start, products[places]

    def offer(self, rows: IntArray, columns: IntArray, products: FloatArray) -> None:
        """Take likely pairs."""
        self._waiting.append((rows * len(self._second) + columns, products))
        if sum(len(codes) for codes, _ in self._waiting) > max(self._most, _WAITING):
            self._settle()

    def found(self) -> HardestPairs:
        """Return what is kept, falling."""
        self._settle()
        order = np.lexsort((self._codes, -self._values))
        first, second = np.divmod(self._codes[order], len(self._second))
        return HardestPairs(first, second, self._values[order])

    def _settle(self) -> None:
        """Sum what waits again and keep the most similar; raise the bar."""
        if not self._waiting:
            return
        codes, products = (np.concatenate(part) for part in zip(*self._waiting, strict=True))
        self._waiting = []
        codes = codes[self._above(products.astype(np.float64))]
        values = np.concatenate([self._values, self._exact(codes)])
        codes = np.concatenate([self._codes, codes])
        chosen = _highest(values, codes, self._most)
        self._codes, self._values = codes[chosen], values[chosen]
        if len(chosen) == self._most:
            self._bar = np.nextafter(np.float32(self._values.min() - self._error), np.float32(-np.inf))

    def _above(self, products: DoubleArray) -> BoolArray:
        """Say which products may belong to the most similar, of these and those that are kept."""
        both = np.concatenate([self._values, products])
        if len(both) <= self._most:
            return np.ones(len(products), dtype=bool)
        place = len(both) - self._most
        above: BoolArray = products >= np.partition(both, place)[place] - 2 * self._error
        return above

    def _exact(self, codes: IntArray) -> DoubleArray:
        rows, columns = np.divmod(codes, len(self._second))
        return exact_cosines(self._first, self._second, rows, columns)


def product_error(size: int) -> float:
    """Return how much a float32 product of unit rows (D,) may be off: D·u, u = ε/2.

    |fl(a·b) − a·b| ≤ D·u·Σ|a_i·b_i| in whatever order it is summed: Higham, "Accuracy and stability of numerical
    algorithms", 2002, §3.1. A hundredth is for lengths that are not quite 1 and for u².
    """
    return 1.01 * size * float(np.finfo(np.float32).eps) / 2


def exact_cosines(first: FloatArray, second: FloatArray, rows: IntArray, columns: IntArray) -> DoubleArray:
    """Return the cosines of pairs of rows (P,), each summed in float64 in one order."""
    values = np.empty(len(rows))
    for start in range(0, len(rows), _PAIRS):
        part = slice(start, start + _PAIRS)
        pairs = first[rows[part]].astype(np.float64), second[columns[part]].astype(np.float64)
        values[part] = np.einsum("pd,pd->p", *pairs)
    return values


def _highest(values: DoubleArray, codes: IntArray, most: int) -> IntArray:
    """Return the places of the highest values; of equal ones at the edge those with the lowest codes."""
    if len(values) <= most:
        return np.arange(len(values))
    edge = np.partition(values, len(values) - most)[len(values) - most]
    above, at = np.flatnonzero(values > edge), np.flatnonzero(values == edge)
    return np.concatenate([above, at[np.argsort(codes[at])][: most - len(above)]])
