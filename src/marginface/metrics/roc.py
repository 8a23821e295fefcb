"""Receiver operating characteristic of similarities, exactly: every distinct similarity is a threshold.

Accepted means ``similarity >= threshold``. FAR (FMR) is the accepted share of impostor pairs, TAR (1 − FNMR) that of
genuine pairs. No curve is thinned or smoothed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from marginface.errors import InputError
from marginface.metrics.intervals import Interval, trials_needed, wilson_interval
from marginface.values import DoubleArray, IntArray, frozen

FarRule = Literal["at_most", "nearest"]


@dataclass(frozen=True, slots=True, eq=False)
class Roc:
    """The curve from "accept nothing" to "accept all": (K,) thresholds, falling from +inf, with FAR and TAR at each."""

    thresholds: DoubleArray
    far: DoubleArray
    tar: DoubleArray

    def __post_init__(self) -> None:
        for name in ("thresholds", "far", "tar"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


@dataclass(frozen=True, slots=True)
class TarAtFar:
    """The share of genuine pairs accepted at a false-accept rate.

    ``far`` was asked for, ``achieved_far`` is what the threshold gives on ``impostor_pairs`` pairs; ``interval`` is
    Wilson's for the genuine pairs and takes the threshold as given.
    """

    far: float
    tar: float
    threshold: float
    achieved_far: float
    impostor_pairs: int
    genuine_pairs: int
    interval: Interval
    rule: FarRule

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; a threshold above every similarity is None."""
        return {
            "far": self.far,
            "tar": self.tar,
            "interval": self.interval.to_list(),
            "threshold": self.threshold if np.isfinite(self.threshold) else None,
            "achieved_far": self.achieved_far,
            "impostor_pairs": self.impostor_pairs,
            "genuine_pairs": self.genuine_pairs,
            "rule": self.rule,
        }


def _sorted_scores(values: ArrayLike, name: str) -> DoubleArray:
    given = np.asarray(values, dtype=np.float64)
    rises = given.ndim == 1 and bool((given[1:] >= given[:-1]).all())  # a look costs a hundredth of a sort
    scores = given if rises else np.sort(given)
    if scores.ndim != 1 or scores.size == 0 or not np.isfinite(scores).all():
        raise InputError(f"{name} similarities are one row of finite numbers; got shape {scores.shape}")
    return scores


def _at_or_above(ascending: DoubleArray, thresholds: DoubleArray) -> IntArray:
    return len(ascending) - np.searchsorted(ascending, thresholds, side="left").astype(np.int64)


def roc(genuine: ArrayLike, impostor: ArrayLike) -> Roc:
    """Return the exact ROC of genuine (G,) and impostor (I,) similarities.

    >>> curve = roc([0.9, 0.6], [0.6, 0.1])
    >>> curve.far.tolist(), curve.tar.tolist()
    ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0])
    """
    same, different = _sorted_scores(genuine, "genuine"), _sorted_scores(impostor, "impostor")
    thresholds = np.concatenate([[np.inf], np.unique(np.concatenate([same, different]))[::-1]])
    far = _at_or_above(different, thresholds) / len(different)
    return Roc(thresholds, far, _at_or_above(same, thresholds) / len(same))


def auc(genuine: ArrayLike, impostor: ArrayLike) -> float:
    """Return the area under the ROC: P(genuine > impostor) + ½ P(equal), the Mann–Whitney statistic.

    Source: Hanley & McNeil, "The meaning and use of the area under a ROC curve", Radiology 143 (1982).
    """
    same, different = _sorted_scores(genuine, "genuine"), _sorted_scores(impostor, "impostor")
    below = np.searchsorted(different, same, side="left")
    not_above = np.searchsorted(different, same, side="right")
    return float((below + not_above).sum() / (2 * len(same) * len(different)))


def overlap(genuine: ArrayLike, impostor: ArrayLike, width: float = 0.02) -> float:
    """Return the area that two histograms share, each of area 1, over bins of one width: 0 apart, 1 equal.

    It is the overlap of the similarity distributions that papers show (X2-Softmax, figure 7); it depends on the width.
    """
    same, different = _sorted_scores(genuine, "genuine"), _sorted_scores(impostor, "impostor")
    first = np.floor(min(same[0], different[0]) / width)
    edges = np.arange(first, np.floor(max(same[-1], different[-1]) / width) + 2) * width
    shares = [np.histogram(scores, edges)[0] / len(scores) for scores in (same, different)]
    return float(np.minimum(*shares).sum())


def equal_error_rate(genuine: ArrayLike, impostor: ArrayLike) -> float:
    """Return the rate at which FAR and FRR = 1 − TAR are equal, on the straight line between the two nearest points.

    Both are monotone in the threshold, so the points are found by bisection and no curve is made.
    """
    same, different = _sorted_scores(genuine, "genuine"), _sorted_scores(impostor, "impostor")

    def far_and_gap(threshold: float) -> tuple[float, float]:
        at = np.array([threshold])
        far, tar = (float(_at_or_above(scores, at)[0]) / len(scores) for scores in (different, same))
        return far, far - (1 - tar)

    def highest_with_gap(scores: DoubleArray) -> float:
        below = bisect_left(range(len(scores)), 1, key=lambda place: int(far_and_gap(float(scores[place]))[1] < 0))
        return float(scores[below - 1]) if below else -np.inf

    after = max(highest_with_gap(same), highest_with_gap(different))
    higher = [scores[np.searchsorted(scores, after, side="right") :][:1] for scores in (same, different)]
    before = min((float(score[0]) for score in higher if len(score)), default=np.inf)
    (far, gap), (next_far, next_gap) = far_and_gap(before), far_and_gap(after)
    return far - gap / (next_gap - gap) * (next_far - far)


PAIRS_PER_ERROR = 10  # a threshold is set where its rate means so many false matches in the pairs, or more


def smallest_supported_far(impostor_pairs: int) -> float:
    """Return the smallest power of ten at which this many impostor pairs expect one false accept or more.

    >>> smallest_supported_far(3000)
    0.001
    """
    if impostor_pairs < 1:
        raise InputError(f"at least one impostor pair is needed; got {impostor_pairs}")
    return float(f"1e-{len(str(int(impostor_pairs))) - 1}")


def supports_far(impostor_pairs: int, far: float) -> bool:
    """Say whether this many impostor pairs expect one false accept or more at this FAR."""
    return far * impostor_pairs >= 1 - 1e-9


def require_supported_far(far: float, trials: int, *, kind: str = "impostor pairs", rate: str = "FAR") -> None:
    """Raise InputError, with what would be needed, if the rate is no share or too small for this many trials."""
    if not 0 < far < 1:
        raise InputError(f"a {rate} is a share between 0 and 1, such as 1e-3; got {far!r}")
    if supports_far(trials, far):
        return
    smallest = smallest_supported_far(trials)
    raise InputError(
        f"{trials:,} {kind} cannot support {rate} {_short(far)}: one error is already {_short(1 / trials)}. Smallest "
        f"{rate} here: {_short(smallest)} ({round(smallest * trials):,} {kind.split()[-1]}). "
        f"At least {round(1 / far):,} {kind.split()[-1]} are needed, better {trials_needed(far):,}."
    )


def _short(rate: float) -> str:
    """Write a rate as 1e-3, 3.3e-4 or 1."""
    if rate >= 1:
        return f"{rate:g}"
    mantissa, exponent = f"{rate:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e-{abs(int(exponent))}"


def tar_at_far(
    genuine: ArrayLike, impostor: ArrayLike, far: float, rule: FarRule = "at_most", *, confidence: float = 0.95
) -> TarAtFar:
    """Return the TAR at the threshold whose FAR is at most (or nearest to) the one asked for.

    ``"at_most"`` takes the lowest threshold with achieved FAR ≤ far. ``"nearest"`` takes the point of the ROC whose FAR
    is nearest and, among equals, the one that accepts most: the rule of the public IJB scripts, half a step optimistic
    at worst. Where the curve hits the FAR exactly both give the same point.

    Raises:
        InputError: the FAR is not in (0, 1), or fewer than 1/far impostor pairs stand behind it.
    """
    return tars_at_fars(genuine, impostor, [far], rule, confidence=confidence)[0]


def tars_at_fars(
    genuine: ArrayLike,
    impostor: ArrayLike,
    fars: Sequence[float],
    rule: FarRule = "at_most",
    *,
    confidence: float = 0.95,
    impostor_pairs: int | None = None,
) -> tuple[TarAtFar, ...]:
    """Return tar_at_far of each FAR; the similarities are sorted once, and no curve is made.

    ``impostor_pairs`` says how many there are where ``impostor`` has the most similar of them alone
    (metrics.hardest_pairs). Those that a FAR lets in are enough, and twice as many and two for "nearest".

    Raises:
        InputError: see tar_at_far, or too few of the impostor pairs are there.
    """
    same, different = _sorted_scores(genuine, "genuine"), _sorted_scores(impostor, "impostor")
    total = len(different) if impostor_pairs is None else impostor_pairs
    for far in fars:
        require_supported_far(far, total)
        if len(different) < min(total, most_looked_at(far, total)):
            raise InputError(
                f"FAR {_short(far)} of {total:,} impostor pairs looks at the {most_looked_at(far, total):,} most "
                f"similar; got {len(different):,}"
            )
    return tuple(_point(same, different, far, total, rule, confidence) for far in fars)


def most_looked_at(far: float, impostor_pairs: int) -> int:
    """Return how many of the most similar impostor pairs decide a threshold, by either rule."""
    return 2 * int(far * impostor_pairs + 1e-9) + 2


def _point(
    same: DoubleArray, different: DoubleArray, far: float, total: int, rule: FarRule, confidence: float
) -> TarAtFar:
    """Return the point of ascending similarities, the impostor ones being the most similar of ``total``."""
    threshold = lowest_threshold(same, different, far * total, rule)
    hits, false = (int(_at_or_above(scores, np.array([threshold]))[0]) for scores in (same, different))
    return TarAtFar(
        far=far,
        tar=hits / len(same),
        threshold=threshold,
        achieved_far=false / total,
        impostor_pairs=total,
        genuine_pairs=len(same),
        interval=wilson_interval(hits, len(same), confidence),
        rule=rule,
    )


def lowest_threshold(same: DoubleArray, different: DoubleArray, budget: float, rule: FarRule) -> float:
    """Return the lowest similarity that accepts as many of ``different`` as the rule allows; both ascend.

    ``budget`` is a number of false accepts, 0 ≤ budget < len(different). Equal similarities are accepted together, so
    not every number of false accepts exists. +inf where every similarity there is accepts too many.
    """
    within = min(int(budget + 1e-9), len(different) - 1)  # the false accepts that "at_most" may have
    blocked = different[len(different) - 1 - within]  # this one and what equals it may not be accepted
    if rule == "nearest":
        fewer, more = (len(different) - np.searchsorted(different, blocked, side=side) for side in ("right", "left"))
        if abs(int(more) - budget) <= abs(int(fewer) - budget) + 1e-9:
            blocked = different[len(different) - 1 - more] if more < len(different) else -np.inf
    above = [scores[np.searchsorted(scores, blocked, side="right") :][:1] for scores in (same, different)]
    return float(min((value[0] for value in above if len(value)), default=np.inf))
