"""Is one model better than another? One test over people and seeds, and Holm's correction for several of them.

paired_difference   two models that decided the same pairs with the same seeds
holm                several comparisons at once
"""

from __future__ import annotations

from collections.abc import Sequence

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
