"""Slow and obvious versions of the statistics of a comparison: loops over pairs of pairs, and definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


def shared_variance(values: Sequence[float], first: Sequence[int], second: Sequence[int]) -> float:
    """Σ e_p·e_q over all ordered (p, q) that have a person in common, over P²."""
    mean = sum(values) / len(values)
    total = 0.0
    for p, e in enumerate(values):
        for q, f in enumerate(values):
            if {first[p], second[p]} & {first[q], second[q]}:
                total += (e - mean) * (f - mean)
    return total / len(values) ** 2


class Slow(NamedTuple):
    """A mean, V = V_people + V_seeds, and whole degrees of freedom."""

    mean: float
    variance: float
    freedom: int


def mean_over_people_and_seeds(values: Sequence[Sequence[int]], first: Sequence[int], second: Sequence[int]) -> Slow:
    """Clark's two variances, each from its definition, and Satterthwaite's rule with the limit of 2(S − 1)."""
    seeds, pairs, people = len(values), len(first), len({*first, *second})
    of_pair = [sum(row[p] for row in values) / seeds for p in range(pairs)]
    of_seed = [sum(row) / pairs for row in values]
    mean = sum(of_pair) / pairs
    independent = sum((value - mean) ** 2 for value in of_pair) / (pairs - 1) / pairs
    shared = shared_variance(of_pair, first, second) * people / (people - 1)
    equal = len({sum(row[p] for row in values) for p in range(pairs)}) == 1
    of_people = 1 / pairs**2 if equal else max(shared, independent)
    if seeds == 1:
        return Slow(mean, of_people, people - 1)
    of_seeds = sum((value - mean) ** 2 for value in of_seed) / (seeds - 1) / seeds
    both = of_people + of_seeds
    freedom = both**2 / (of_people**2 / (people - 1) + of_seeds**2 / (seeds - 1))
    return Slow(mean, both, min(math.floor(freedom + 1e-9), 2 * (seeds - 1)))


def rejected_by_holm(p_values: Sequence[float], level: float) -> set[int]:
    """Holm's procedure as printed: smallest first, compared with level/(n − k + 1), until one is not below."""
    left = list(range(len(p_values)))
    rejected: set[int] = set()
    while left:
        smallest = min(left, key=lambda place: p_values[place])
        if p_values[smallest] > level / len(left):
            break
        rejected.add(smallest)
        left.remove(smallest)
    return rejected
