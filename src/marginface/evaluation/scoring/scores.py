"""Embeddings and pairs → every number of a verification table; shared by the trainer's held-out evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from marginface.errors import InputError
from marginface.metrics import (
    FoldedAccuracy,
    Interval,
    PeopleOfPairs,
    Roc,
    TarAtFar,
    TpirAtFpir,
    auc,
    auc_interval,
    eer_interval,
    equal_error_rate,
    identity_bootstrap,
    overlap,
    roc,
    supports_far,
    tar_intervals,
    tars_at_fars,
    ten_fold_accuracy,
    whole_set_accuracy,
    wilson_interval,
)
from marginface.similarity import pair_similarities
from marginface.values import LENGTH_ERROR, BoolArray, DoubleArray, FloatArray, IntArray, frozen

NO_FACE = -1.0  # the similarity of a pair that has an image without a face
USUAL_FARS = (1e-1, 1e-2, 1e-3)


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """The similarities of P pairs and what they come to.

    ``accuracy`` is ten-fold (metrics.ten_fold_accuracy); ``accuracy_interval`` is Wilson's at 95 % over pairs;
    ``identity_interval`` is the 95 % bootstrap over identities, ``tar_intervals`` are those of the TARs with their
    thresholds drawn again; None where the identities are not known. ``curve_intervals`` are of AUC and EER.
    """

    similarities: DoubleArray
    genuine: BoolArray
    accuracy: FoldedAccuracy
    accuracy_interval: Interval
    identity_interval: Interval | None
    auc: float
    eer: float
    tar_at_far: tuple[TarAtFar, ...]
    curve_intervals: tuple[Interval, Interval]
    tar_intervals: tuple[Interval, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("similarities", "genuine"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def roc(self) -> Roc:
        """Return the exact ROC."""
        return roc(self.similarities[self.genuine], self.similarities[~self.genuine])

    def hardest(self, count: int = 6) -> tuple[IntArray, IntArray]:
        """Return the pairs that are most wrong: false matches, highest first; false non-matches, lowest first.

        Wrong is what the threshold of the pair's fold decides wrong. Pairs with a failure to acquire (similarity −1)
        are left out: there is no crop to look at.
        """
        accepted = self.accuracy.accepted
        order = np.argsort(self.similarities, kind="stable")
        seen = order[self.similarities[order] > NO_FACE]
        false_matches = seen[::-1][(accepted & ~self.genuine)[seen[::-1]]]
        return false_matches[:count], seen[(self.genuine & ~accepted)[seen]][:count]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: shares in [0, 1], intervals as [low, high]."""
        identities = self.identity_interval
        return {
            "pairs": len(self.similarities),
            "genuine_pairs": int(self.genuine.sum()),
            "impostor_pairs": int((~self.genuine).sum()),
            "accuracy_mean": self.accuracy.mean,
            "accuracy_std": self.accuracy.std,
            "accuracy_interval": self.accuracy_interval.to_list(),
            "accuracy_interval_method": self.accuracy_interval.method,
            "accuracy_interval_identities": None if identities is None else identities.to_list(),
            "accuracy_folds": self.accuracy.folds.tolist(),
            "accuracy_threshold": self.accuracy.threshold,
            "diagnostic_accuracy_at_best_threshold_of_all": whole_set_accuracy(self.similarities, self.genuine),
            **curve_values(self.auc, self.eer, self.curve_intervals),
            "overlap": overlap(self.similarities[self.genuine], self.similarities[~self.genuine]),
            "tar_at_far": tar_values(self.tar_at_far, self.tar_intervals),
        }


def curve_values(area: float, rate: float, intervals: tuple[Interval, Interval] | None) -> dict[str, Any]:
    """Return plain values for JSON of AUC and EER with their intervals, None where there are none."""
    of_area, of_rate = (None, None) if intervals is None else (one.to_list() for one in intervals)
    method = None if intervals is None else intervals[0].method
    found = {"auc": area, "auc_interval": of_area, "eer": rate, "eer_interval": of_rate}
    return {**found, "auc_and_eer_interval_method": method}


def tar_values(points: Sequence[TarAtFar | TpirAtFpir], over_people: Sequence[Interval] | None) -> list[dict[str, Any]]:
    """Return plain values for JSON of each TAR or TPIR, with its interval over people where there are some."""
    values = [point.to_dict() for point in points]
    for value, interval in zip(values, over_people or (), strict=False):
        value["interval_identities"] = interval.to_list()
    return values


def score_pairs(
    embeddings: FloatArray,
    first: IntArray,
    second: IntArray,
    genuine: BoolArray,
    fold: IntArray,
    *,
    identities: IntArray | None = None,
) -> PairScores:
    """Compare unit embeddings (N, D) pair by pair and score the protocol.

    ``first``, ``second``, ``genuine`` and ``fold`` are (P,) as in values.Pairs and data.sampling.holdout.PairIndex;
    ``identities`` (N,) are the labels of the images, for the bootstrap.

    Raises:
        InputError: the embeddings are not unit rows, or a protocol without genuine or without impostor pairs.
    """
    if embeddings.ndim != 2:
        raise InputError(f"embeddings are unit rows (N, D); got {embeddings.shape}")
    norms = np.sqrt(np.einsum("nd,nd->n", embeddings, embeddings))  # without the squares in memory
    if not np.allclose(norms, 1, atol=LENGTH_ERROR):
        raise InputError(f"embeddings are unit rows; got norms {norms.min()} to {norms.max()}")
    of_pairs = None if identities is None else (identities[first], identities[second])
    similarities = pair_similarities(embeddings, first, second)
    accuracy = ten_fold_accuracy(similarities, genuine, fold)
    return score_similarities(similarities, genuine, accuracy, identities=of_pairs)


def score_similarities(
    similarities: DoubleArray,
    genuine: BoolArray,
    accuracy: FoldedAccuracy,
    *,
    fars: Sequence[float] | None = None,
    identities: tuple[IntArray, IntArray] | None = None,
) -> PairScores:
    """Score similarities (P,) of pairs; TAR is given at those of FAR 0.1, 0.01, 0.001 that the impostor pairs support.

    ``fars`` asks for others: one that is not supported is then an error. ``identities`` are of the first and second
    image of each pair, which genuine pairs share and impostor pairs do not.
    """
    genuine = np.asarray(genuine, dtype=bool)
    if genuine.all() or not genuine.any():
        raise InputError(f"a protocol has genuine and impostor pairs; all {len(genuine):,} are of one kind")
    same, different = similarities[genuine], similarities[~genuine]
    wanted = [far for far in USUAL_FARS if supports_far(len(different), far)] if fars is None else fars
    correct = accuracy.accepted == genuine
    people = None if identities is None else PeopleOfPairs.of(*identities, genuine)
    return PairScores(
        similarities=similarities,
        genuine=genuine,
        accuracy=accuracy,
        accuracy_interval=wilson_interval(int(correct.sum()), len(correct)),
        identity_interval=None if identities is None else identity_bootstrap(correct, *identities),
        auc=auc(same, different),
        eer=equal_error_rate(same, different),
        curve_intervals=(auc_interval(same, different, people), eer_interval(same, different, people)),
        tar_at_far=tars_at_fars(same, different, wanted),
        tar_intervals=None if people is None else tar_intervals(same, different, people, wanted),
    )
