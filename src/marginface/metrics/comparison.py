"""Is one model better than another? One test over people and seeds, and Holm's correction for several of them.

paired_difference   two models that decided the same pairs with the same seeds
mcnemar             two models on the same pairs, the pairs taken as independent
holm                several comparisons at once
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marginface.errors import InputError
from marginface.metrics.crossed import CrossedMean, crossed_mean
from marginface.values import BoolArray, IntArray


def paired_difference(
    baseline: BoolArray, other: BoolArray, first_identity: IntArray, second_identity: IntArray
) -> CrossedMean:
    """Return how much more a model decides right than a baseline, as a share of the pairs, with its error.

    What makes a pair hard for both, or a seed good for both, cancels. ``p_value`` and ``interval()`` of the answer are
    one test over people and seeds, Clark's min F′; metrics/crossed.py has the formulas, sources and false alarms. The
    thresholds of the decisions are taken as given.

    Why no bootstrap over identities: where each person is in few pairs it gives twice the variance, which is careful
    for one model and hides differences between two. Why no test over pairs (McNemar) or over seeds alone (paired t):
    each leaves out half of the chance.

    Args:
        baseline: (S, P) whether the baseline of each seed decides each pair right.
        other: (S, P) likewise.
        first_identity: (P,) who is on the first image of a pair; any integers. Where people are not known: the fold.
        second_identity: (P,) who is on the second; equal for genuine pairs.

    Raises:
        InputError: shapes differ, or fewer than two people.

    >>> right = np.array([[True, False, False, True]])
    >>> paired_difference(right, right, np.arange(4), np.arange(4)).p_value
    1.0
    """
    if baseline.ndim != 2 or baseline.shape != other.shape:
        raise InputError(
            f"two models are compared on the same pairs and seeds, two arrays (seeds, pairs) of one shape; got "
            f"{baseline.shape} and {other.shape}"
        )
    return crossed_mean(other.astype(np.float64) - baseline, first_identity, second_identity)


@dataclass(frozen=True, slots=True)
class McNemar:
    """How often two models differ on the same pairs: ``only_first`` and ``only_second`` are right alone."""

    only_first: int
    only_second: int
    p_value: float


def mcnemar(first: BoolArray, second: BoolArray) -> McNemar:
    """Return McNemar's exact test of two models' decisions (P,) on the same pairs.

    Of the pairs on which just one model is right, each is as likely to be the one if the models are as good: the
    two-sided binomial p-value with ½. It takes pairs as independent; paired_difference knows people, and seeds.

    Source: McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12 (1947); the exact form is Liddell's, The Statistician 25 (1976).

    >>> f"{mcnemar(np.array([True] * 8 + [False]), np.array([False] * 8 + [True])).p_value:.7f}"
    '0.0390625'
    """
    if first.ndim != 1 or first.shape != second.shape:
        raise InputError(f"two models are compared on the same pairs (P,); got {first.shape} and {second.shape}")
    one, two = int((first & ~second).sum()), int((second & ~first).sum())
    return McNemar(one, two, min(2 * _half_binomial_tail(min(one, two), one + two), 1.0))


def _half_binomial_tail(most: int, trials: int) -> float:
    """Return P(X ≤ most) of a binomial with ½: the last term by its logarithm, those before it by their ratios.

    Exact whole numbers of so many digits take an hour for 50,000 trials, which a file of a million pairs has.
    """
    last = math.lgamma(trials + 1) - math.lgamma(most + 1) - math.lgamma(trials - most + 1) - trials * math.log(2)
    falling = np.arange(most, 0, -1)
    return math.exp(last) * float(1 + np.cumprod(falling / (trials - falling + 1)).sum())


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
