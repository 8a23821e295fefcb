"""Ten-fold verification accuracy, as the LFW-type tables of the field define it, and its variants.

ten_fold_accuracy     insightface's, which most tables have
sphereface_accuracy   SphereFace's
threshold_accuracy    scores of any scale
whole_set_accuracy    the threshold chosen on the test itself: a diagnosis
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginface.errors import InputError
from marginface.values import BoolArray, DoubleArray, IntArray, frozen

DISTANCE_THRESHOLDS = np.arange(0, 4, 0.01)  # squared Euclidean distance of unit vectors, 400 steps
COSINE_THRESHOLDS = np.arange(-10_000, 10_001) / 10_000


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


def threshold_accuracy(scores: DoubleArray, genuine: BoolArray, fold: IntArray) -> FoldedAccuracy:
    """Return the accuracy of scores of any scale, the threshold of each fold being the best one on all other folds.

    A threshold lies halfway between two scores, or at the highest or lowest where none or all are accepted; of several
    best ones the highest. Accepted means ``score >= threshold``. ten_fold_accuracy is this on a grid of distances.

    ``scores``, ``genuine`` and ``fold`` are (P,); the errors are those of ten_fold_accuracy.
    """
    values, folds = _checked(scores, genuine, fold)
    is_genuine = np.asarray(genuine, dtype=bool)
    count = int(folds.max()) + 1
    thresholds = np.array([_best_threshold(values[folds != one], is_genuine[folds != one]) for one in range(count)])
    accepted = values >= thresholds[folds]
    accuracy = np.bincount(folds, accepted == is_genuine) / np.bincount(folds)
    return FoldedAccuracy(accuracy, thresholds, accepted)


def whole_set_accuracy(scores: DoubleArray, genuine: BoolArray) -> float:
    """Return the accuracy at the threshold that is best on the same pairs: optimistic, for a diagnosis only."""
    values, is_genuine = np.asarray(scores, dtype=np.float64), np.asarray(genuine, dtype=bool)
    return float(((values >= _best_threshold(values, is_genuine)) == is_genuine).mean())


def _best_threshold(scores: DoubleArray, genuine: BoolArray) -> float:
    """Return the threshold with the most right decisions, the highest of several."""
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    right = np.concatenate([[0], np.cumsum(np.where(genuine[order], 1, -1))])  # when the first k are accepted
    right[1:-1][falling[1:] == falling[:-1]] = np.iinfo(np.int64).min  # equal scores are accepted together
    best = int(np.argmax(right))
    if best == 0:
        return float(np.nextafter(falling[0], np.inf))
    return float(falling[-1] if best == len(falling) else (falling[best - 1] + falling[best]) / 2)


def sphereface_accuracy(similarity: DoubleArray, genuine: BoolArray, fold: IntArray) -> FoldedAccuracy:
    """Return the accuracy as SphereFace's evaluation code defines it.

    Thresholds are the cosines −1, −0.9999 … 1; a genuine pair is right above the threshold and an impostor pair below
    it, so that one at it is wrong either way; the threshold of a fold is the mean of all that are best on the other
    folds.

    Source: Liu et al., "SphereFace", CVPR 2017, and its public MATLAB evaluation.

    Args:
        similarity: (P,), or (F, P) where the embeddings are transformed by what the other folds are: row f is used for
            fold f alone, for its threshold and its pairs.
        genuine: (P,).
        fold: (P,).

    Raises:
        InputError: as ten_fold_accuracy, or rows that are not one a fold.
    """
    rows = np.atleast_2d(np.asarray(similarity, dtype=np.float64))
    _, folds = _checked(rows[0], genuine, fold)
    is_genuine, count = np.asarray(genuine, dtype=bool), int(folds.max()) + 1
    if len(rows) not in (1, count):
        raise InputError(f"similarities are one row, or one for each of {count} folds; got {len(rows)}")
    rows = np.broadcast_to(rows, (count, rows.shape[1]))
    thresholds = np.array([_mean_best(rows[f, folds != f], is_genuine[folds != f]) for f in range(count)])
    own = rows[folds, np.arange(len(folds))]
    right = np.where(is_genuine, own > thresholds[folds], own < thresholds[folds])
    return FoldedAccuracy(np.bincount(folds, right) / np.bincount(folds), thresholds, right == is_genuine)


def _mean_best(similarity: DoubleArray, genuine: BoolArray) -> float:
    same, different = np.sort(similarity[genuine]), np.sort(similarity[~genuine])
    above = len(same) - np.searchsorted(same, COSINE_THRESHOLDS, side="right")
    right = above + np.searchsorted(different, COSINE_THRESHOLDS, side="left")
    return float(COSINE_THRESHOLDS[right == right.max()].mean())


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
