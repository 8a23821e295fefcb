"""How sure the area under a ROC and the equal error rate are, pairs that share a person taken together.

Both are, to first order, means over the pairs: a genuine pair p and an impostor pair q move them by

    AUC    e_p = (share of impostor pairs below p − AUC) / G        e_q = (share of genuine pairs above q − AUC) / I
    EER    e_p = a·(p is refused − FRR) / G                         e_q = (1 − a)·(q is accepted − FAR) / I

with a = f/(f + g), f and g the densities of impostor and genuine similarities at the threshold where the rates cross: a
threshold that moves by one of the errors gives some of it back by the other. The variance is that of metrics.crossed:
the sum of e·e over all pairs that share a person. Where nobody knows who is on them, each is of people of its own. The
interval is Wilson's with that variance (CrossedMean.share_interval); where it is 0, as without an error, Wilson's over
so many people, each one trial.

In worlds whose truth is known they hold it about as often as they say, less often where very few people make the errors
(tests/metrics/test_curve_intervals.py: at least 86 times in 100).

Sources: DeLong, DeLong & Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
characteristic curves", Biometrics 44 (1988); Obuchowski, "Nonparametric analysis of clustered ROC curve data",
Biometrics 53 (1997), for the AUC. The EER is the same by the delta method.
"""

from __future__ import annotations

import math

import numpy as np

from marginface.metrics.bootstrap import PeopleOfPairs
from marginface.metrics.crossed import CrossedMean, error_of_sums
from marginface.metrics.intervals import Interval, student_t_quantile, wilson_ends
from marginface.metrics.roc import auc, equal_error_rate
from marginface.metrics.shared_people import METHOD
from marginface.values import DoubleArray

_MOST_COUPLES = 1 << 25  # counted in a table of all: 268 MB


def auc_interval(
    genuine: DoubleArray, impostor: DoubleArray, people: PeopleOfPairs | None, confidence: float = 0.95
) -> Interval:
    """Return the interval of the area under the ROC.

    Args:
        genuine: (G,) similarities.
        impostor: (I,) similarities.
        people: who is on them, in the same order; None where nobody knows.
        confidence: of the interval.
    """
    same, different = np.sort(genuine), np.sort(impostor)
    area = auc(same, different)
    below = _share_below(different, genuine) - area
    above = 1 - _share_below(same, impostor) - area
    return _interval(area, below / len(same), above / len(different), people, confidence)


def eer_interval(
    genuine: DoubleArray, impostor: DoubleArray, people: PeopleOfPairs | None, confidence: float = 0.95
) -> Interval:
    """Return the interval of the equal error rate; the arguments are those of auc_interval."""
    rate = equal_error_rate(genuine, impostor)
    threshold = float(np.quantile(genuine, rate))
    near = max(2 * math.sqrt(rate), 0.5) / math.sqrt(min(len(genuine), len(impostor)))
    f, g = _density(impostor, 1 - rate, near), _density(genuine, rate, near)
    refused, accepted = (genuine < threshold).astype(float), (impostor >= threshold).astype(float)
    of_genuine = f / (f + g) * (refused - refused.mean()) / len(genuine)
    of_impostor = g / (f + g) * (accepted - accepted.mean()) / len(impostor)
    return _interval(rate, of_genuine, of_impostor, people, confidence)


def _share_below(ascending: DoubleArray, values: DoubleArray) -> DoubleArray:
    """Return the share that is below each value, equal ones by half."""
    below, not_above = (np.searchsorted(ascending, values, side=side) for side in ("left", "right"))
    return np.asarray((below + not_above) / (2 * len(ascending)))


def _density(values: DoubleArray, place: float, near: float) -> float:
    """Return the density at a quantile, from the quantiles near to it."""
    low, high = max(place - near, 0.0), min(place + near, 1.0)
    ends = np.quantile(values, [low, high])
    return (high - low) / max(float(ends[1] - ends[0]), 1e-12)


def _interval(
    share: float, of_genuine: DoubleArray, of_impostor: DoubleArray, people: PeopleOfPairs | None, confidence: float
) -> Interval:
    """Return the interval of a share that the pairs move by so much each."""
    pairs = len(of_genuine) + len(of_impostor)
    of_pair = float(np.square(of_genuine).sum() + np.square(of_impostor).sum())
    if people is None:
        count, error, method = pairs, math.sqrt(of_pair), "Wilson, pairs taken as independent"
    elif people.count < 2:  # of one person nothing follows for others
        return Interval(0.0, 1.0, confidence, METHOD)
    else:
        count, error, method = people.count, _clustered(of_genuine, of_impostor, people, of_pair), METHOD
    if error == 0 or not 0 < share < 1:
        trials = min(count, len(of_genuine), len(of_impostor))
        low, high = wilson_ends(share, trials, student_t_quantile((1 + confidence) / 2, max(trials - 1, 1)))
        return Interval(low, high, confidence, method)
    found = CrossedMean(share, error, None, pairs, 1, count).share_interval(confidence)
    return Interval(found.low, found.high, confidence, method)


def _clustered(of_genuine: DoubleArray, of_impostor: DoubleArray, people: PeopleOfPairs, of_pair: float) -> float:
    count, pairs = people.count, len(of_genuine) + len(of_impostor)
    known = people.second >= 0
    first, second, moved = people.first[known], people.second[known], of_impostor[known]
    of_person = np.bincount(people.genuine, of_genuine, count) + np.bincount(people.first, of_impostor, count)
    of_person += np.bincount(second, moved, count)
    codes = np.minimum(first, second) * count + np.maximum(first, second)
    if count * count > _MOST_COUPLES:
        codes = np.unique(codes, return_inverse=True)[1]
    of_couple = np.bincount(codes, moved) if len(codes) else np.zeros(1)
    sums = float(np.square(of_person).sum()), float(np.square(of_couple).sum())
    return error_of_sums(*sums, of_pair, people=count, pairs=pairs) * pairs
