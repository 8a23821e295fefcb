"""Labels in numbers: gaps, the long tail, quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from marginface.values import IntArray

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_TOP = 0.1


@dataclass(frozen=True, slots=True)
class Tail:
    """How images are spread over identities: quantiles of images per identity, what the largest identities hold.

    ``top_share`` is the share of all images that the tenth of identities with most images holds, ``half`` how many of
    the largest identities hold half of all images.
    """

    quantiles: tuple[float, ...]
    top_share: float
    half: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        named = {f"{share:g}": value for share, value in zip(QUANTILES, self.quantiles, strict=True)}
        return {"quantiles": named, "share_of_largest_tenth": self.top_share, "identities_with_half": self.half}


def quantiles(values: ArrayLike) -> tuple[float, ...]:
    """Return QUANTILES of some numbers, each of them one of these; all 0 of none."""
    given = np.asarray(values, dtype=np.float64)
    if not given.size:
        return (0.0,) * len(QUANTILES)
    return tuple(float(value) for value in np.quantile(given, QUANTILES, method="inverted_cdf"))


def tail_of(counts: IntArray) -> Tail:
    """Return how images are spread; ``counts`` (C,) are the images of each identity, those without any left out.

    >>> tail = tail_of(np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 11]))
    >>> tail.top_share, tail.half
    (0.55, 1)
    """
    held = np.sort(counts[counts > 0])[::-1]
    if not len(held):
        return Tail(quantiles([]), 0.0, 0)
    top = max(1, round(_TOP * len(held)))
    half = int(np.searchsorted(np.cumsum(held), held.sum() / 2)) + 1
    return Tail(quantiles(held), float(held[:top].sum() / held.sum()), half)


def label_gaps(identities: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return the runs (first, last) of whole numbers between the least and the largest label that no identity has.

    Labels that are not all whole numbers have no gaps.

    >>> label_gaps(["3", "5", "9"])
    ((4, 4), (6, 8))
    """
    if not all(name.isascii() and name.isdecimal() for name in identities):
        return ()
    numbers = sorted({int(name) for name in identities})
    return tuple((before + 1, after - 1) for before, after in pairwise(numbers) if after > before + 1)
