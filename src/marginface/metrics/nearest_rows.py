"""The highest similarities of each probe to all rows that were shown, more and more of them, exactly.

The distractors of an identification come in growing sets, each within the next: what is known of the smaller set need
not be found again. As in metrics.hardest_pairs float32 products say what may count, and float64 sums what does.
"""

from __future__ import annotations

import numpy as np

from marginface.errors import InputError
from marginface.metrics.hardest_pairs import exact_cosines, product_error
from marginface.values import DoubleArray, FloatArray, IntArray

_PROBES, _ROWS = 512, 8_192  # multiplied at once: products of 16 MB


class NearestRows:
    """The ``most`` highest cosines of each of P probes to the rows shown so far.

    Args:
        probes: unit rows (P, D).
        most: how many are kept of each.

    >>> nearest = NearestRows(np.array([[1, 0]], dtype=np.float32), most=2)
    >>> nearest.show(np.array([[0, 1], [0.6, 0.8], [0.8, 0.6]], dtype=np.float32))
    >>> nearest.similarities.round(2).tolist()
    [[0.8, 0.6]]
    """

    def __init__(self, probes: FloatArray, most: int) -> None:
        if probes.ndim != 2 or most < 1:
            raise InputError(f"probes are (P, D) and 1 or more rows are kept of each; got {probes.shape} and {most}")
        self._probes = probes
        self._error = product_error(probes.shape[1])
        self._highest = np.full((len(probes), most), -np.inf)

    @property
    def similarities(self) -> DoubleArray:
        """Return the cosines (P, most), falling; −inf where fewer rows were shown."""
        return self._highest

    def show(self, rows: FloatArray) -> None:
        """Compare every probe with rows (G, D).

        Raises:
            InputError: they have other numbers than the probes.
        """
        if rows.ndim != 2 or rows.shape[1] != self._probes.shape[1]:
            raise InputError(f"rows have as many numbers as the probes, {self._probes.shape[1]}; got {rows.shape}")
        for first in range(0, len(self._probes), _PROBES):
            for start in range(0, len(rows), _ROWS):
                self._compare(slice(first, first + _PROBES), rows[start : start + _ROWS])

    def _compare(self, part: slice, rows: FloatArray) -> None:
        products = self._probes[part] @ rows.T
        probe, row = np.nonzero(products >= self._bars(products, part)[:, None])
        if len(probe):
            self._add(part, probe, exact_cosines(self._probes[part], rows, probe, row))

    def _bars(self, products: FloatArray, part: slice) -> FloatArray:
        """Return what a product (p,) has to reach to be among the highest, less what it may be off."""
        bars, most = self._highest[part, -1], self._highest.shape[1]
        if products.shape[1] >= most and not np.isfinite(bars).all():
            bars = np.maximum(bars, np.partition(products, -most, axis=1)[:, -most] - self._error)
        return np.nextafter((bars - self._error).astype(np.float32), np.float32(-np.inf))

    def _add(self, part: slice, probe: IntArray, values: DoubleArray) -> None:
        """Put values (V,) of probes (V,) among the highest of these."""
        known = self._highest[part]
        count, most = known.shape
        whose = np.concatenate([np.repeat(np.arange(count), most), probe])
        both = np.concatenate([known.ravel(), values])
        order = np.lexsort((-both, whose))
        whose, both = whose[order], both[order]
        place = np.arange(len(whose)) - np.searchsorted(whose, np.arange(count))[whose]
        chosen = place < most
        known[whose[chosen], place[chosen]] = both[chosen]
