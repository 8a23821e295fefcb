"""Ten-fold verification accuracy, as the LFW-type tables of the field define it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginface.errors import InputError
from marginface.values import BoolArray, DoubleArray, IntArray, frozen

DISTANCE_THRESHOLDS = np.arange(0, 4, 0.01)  # squared Euclidean distance of unit vectors, 400 steps


@dataclass(frozen=True, slots=True, eq=False)
class FoldedAccuracy:
    """Accuracy per fold: ``folds`` (F,), the ``thresholds`` (F,) as similarities, and which pairs were accepted (P,).

    ``mean`` and ``std`` are over folds (population: divided by F), as published tables print them.
    """

    folds: DoubleArray
    thresholds: DoubleArray
    accepted: BoolArray

    def __post_init__(self) -> None:
        for name in ("folds", "thresholds", "accepted"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def mean(self) -> float:
        """Return the mean accuracy over folds."""
        return float(self.folds.mean())

    @property
    def std(self) -> float:
        """Return the population standard deviation over folds."""
        return float(self.folds.std())

    @property
    def threshold(self) -> float:
        """Return the mean of the folds' thresholds, as a similarity."""
        return float(self.thresholds.mean())


def ten_fold_accuracy(similarity: DoubleArray, genuine: BoolArray, fold: IntArray) -> FoldedAccuracy:
    """Return the accuracy of "same person" decisions, the threshold of each fold being set on all other folds.

    The distance of two unit vectors is d = ‖a − b‖² = 2 − 2·similarity. The candidates are 0, 0.01 … 3.99; a pair is
    the same person when d < threshold (strictly); the threshold of a fold is the first that has the most right
    decisions on the pairs of the other folds. This is the definition of insightface's ``verification.py``. Folds are
    the protocol's, in any number from two and of any size.

    ``similarity``, ``genuine`` and ``fold`` are (P,); folds are counted from 0 and none is empty.

    Raises:
        InputError: lengths differ, a similarity is not finite, or there are fewer than two folds or an empty one.
    """
    scores, folds = _checked(similarity, genuine, fold)
    distance = 2 - 2 * scores
    right = _right_decisions(distance, np.asarray(genuine, dtype=bool), folds)
    best = np.argmax(right.sum(axis=0) - right, axis=1)
    count = len(right)
    thresholds = DISTANCE_THRESHOLDS[best]
    accuracy = right[np.arange(count), best] / np.bincount(folds, minlength=count)
    return FoldedAccuracy(accuracy, 1 - thresholds / 2, distance < thresholds[folds])


def _checked(similarity: DoubleArray, genuine: BoolArray, fold: IntArray) -> tuple[DoubleArray, IntArray]:
    scores, folds = np.asarray(similarity, dtype=np.float64), np.asarray(fold, dtype=np.int64)
    if scores.ndim != 1 or not len(scores) == len(genuine) == len(folds):
        raise InputError(
            f"one similarity, label and fold per pair are needed; got {scores.shape}, {len(genuine)} and {len(folds)}"
        )
    if not np.isfinite(scores).all():
        raise InputError(f"similarities are finite; {int((~np.isfinite(scores)).sum()):,} of {len(scores):,} are not")
    if len(folds) == 0 or folds.min() < 0 or len(np.unique(folds)) != folds.max() + 1 or folds.max() < 1:
        raise InputError(f"folds are 0 … F−1 with F ≥ 2 and none empty; got {np.unique(folds).tolist()[:12]}")
    return scores, folds


def _right_decisions(distance: DoubleArray, genuine: BoolArray, fold: IntArray) -> IntArray:
    """Return how many pairs of each fold are decided right at each threshold: (F, T)."""
    shape = int(fold.max()) + 1, len(DISTANCE_THRESHOLDS) + 1
    first_accepting = np.searchsorted(DISTANCE_THRESHOLDS, distance, side="right")
    cell = fold * shape[1] + first_accepting
    counts = [np.bincount(cell[which], minlength=shape[0] * shape[1]).reshape(shape) for which in (genuine, ~genuine)]
    accepted_genuine, accepted_impostor = (np.cumsum(count, axis=1)[:, :-1] for count in counts)
    impostors: IntArray = counts[1].sum(axis=1, keepdims=True)
    return np.asarray(accepted_genuine + impostors - accepted_impostor, dtype=np.int64)
