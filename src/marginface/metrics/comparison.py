"""Is one model better than another? Tests for two models that decided the same pairs, or had the same seeds.

mcnemar            one run of each: the pairs that only one of the two decides right
paired_bootstrap   how the difference would vary with other people, or other folds
paired_t_p_value   several runs of each: the differences seed by seed
holm               several comparisons at once
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marginface.errors import InputError
from marginface.metrics.intervals import Interval, identity_bootstrap, student_t_inside
from marginface.values import BoolArray, DoubleArray, IntArray


@dataclass(frozen=True, slots=True)
class McNemar:
    """How many pairs only the first and only the second model decides right, and the two-sided p-value."""

    only_first: int
    only_second: int
    p_value: float


def mcnemar(first_right: BoolArray, second_right: BoolArray) -> McNemar:
    """Return McNemar's exact test of "both are right equally often" on the same pairs.

    Pairs on which both are right or both are wrong say nothing. Of the n others, the number k that the first has right
    is binomial (n, ½) if the models are equally good: p = min(1, 2·P(X ≤ min(k, n − k))). Pairs are taken as
    independent; those that share a person are not, see ``paired_bootstrap``. Training again is not in it either.

    Source: McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12 (1947); for comparing classifiers Dietterich, "Approximate statistical tests", Neural Computation
    10 (1998). ``first_right`` and ``second_right`` are (P,), whether each pair was decided right.

    >>> mcnemar(np.array([True] * 9 + [False]), np.array([False] * 9 + [True]))
    McNemar(only_first=9, only_second=1, p_value=0.021484375)
    """
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    _check_same_pairs(first, second)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    trials = only_first + only_second
    tail = _binomial_count(trials, min(only_first, only_second))
    return McNemar(only_first, only_second, min(1.0, 2 * tail / 2**trials))


def _binomial_count(trials: int, most: int) -> int:
    """Return the sum of the binomial coefficients (trials over i), i ≤ most, as an exact integer."""
    term = total = 1
    for i in range(most):
        term = term * (trials - i) // (i + 1)
        total += term
    return total


def paired_bootstrap(
    first_right: DoubleArray | BoolArray,
    second_right: DoubleArray | BoolArray,
    groups: tuple[IntArray, IntArray],
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return the percentile interval of (share right of the second − of the first) when the groups are drawn again.

    Both models keep the pairs they share, so what makes a pair hard for both cancels. For several runs of a model
    give, pair by pair, the share of its runs that are right.

    Args:
        first_right: (P,), whether (or in which share of the runs) the first model decides each pair right.
        second_right: the same pairs, decided by the second.
        groups: what is drawn: the identities of the first and of the second image of each pair, or its fold twice.
        resamples: how many.
        confidence: of the interval.
        seed: decides the resamples.

    Source: Efron & Tibshirani, "An introduction to the bootstrap" (1993), chapters 8 and 13; over identities as in
    ``identity_bootstrap``.
    """
    first, second = np.asarray(first_right, dtype=np.float64), np.asarray(second_right, dtype=np.float64)
    _check_same_pairs(first, second)
    drawn = identity_bootstrap(second - first, *groups, resamples=resamples, confidence=confidence, seed=seed)
    return Interval(drawn.low, drawn.high, confidence, "paired bootstrap")


def paired_t_p_value(differences: Sequence[float] | DoubleArray, *, resolution: float = 0.0) -> float:
    """Return the two-sided p-value of "the differences, one for each seed, have mean 0": t = mean·√n / s.

    Args:
        differences: second − first, each of two runs with one seed.
        resolution: the smallest step of a difference (1 / P for P pairs). The standard deviation counts at least as
            much: two seeds that happen to give one rounded number have not shown that training has no chance in it.

    Source: Student, "The probable error of a mean", Biometrika 6 (1908).

    >>> round(paired_t_p_value([0.01, 0.03, 0.02]), 4)
    0.0742
    """
    sample = np.asarray(differences, dtype=np.float64)
    if sample.ndim != 1 or len(sample) < 2 or not np.isfinite(sample).all():
        raise InputError(f"a paired t-test needs the finite differences of 2 or more seeds; got shape {sample.shape}")
    mean, spread = float(sample.mean()), max(float(sample.std(ddof=1)), resolution)
    if mean == 0:
        return 1.0
    if spread == 0:
        return 0.0
    return max(1 - student_t_inside(abs(mean) * math.sqrt(len(sample)) / spread, len(sample) - 1), 0.0)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for being several: a value ≤ α may be called shown, in all at once with error α.

    The i-th smallest of m (from 0) is multiplied by m − i, then none may be below a smaller one's.
    Source: Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statistics 6 (1979).

    >>> holm([0.04, 0.01])
    [0.04, 0.02]
    """
    values = np.asarray(p_values, dtype=np.float64)
    if values.size and not ((values >= 0) & (values <= 1)).all():
        raise InputError(f"p-values are in [0, 1]; got {list(p_values)}")
    order = np.argsort(values, kind="stable")
    raised = np.minimum(np.maximum.accumulate(values[order] * (len(values) - np.arange(len(values)))), 1.0)
    corrected = np.empty_like(raised)
    corrected[order] = raised
    return [float(value) for value in corrected]


def _check_same_pairs(first: DoubleArray | BoolArray, second: DoubleArray | BoolArray) -> None:
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise InputError(
            f"two models are compared on the same pairs, one outcome each (P,); got shapes {first.shape} and "
            f"{second.shape}"
        )
