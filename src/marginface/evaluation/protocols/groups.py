"""Verification by group (RFW, BFW): a threshold of each group's own beside one threshold for all.

Papers give each group the accuracy at thresholds that are set on its own pairs. A service has one threshold: there the
groups differ more, and some are refused more often and others mistaken more often. Both are here, from one embedding of
the images:

    own       the ten-fold accuracy of the group's pairs, TAR at the FAR of its own impostor pairs
    common    its accuracy at the thresholds of all pairs' folds; FMR and FNMR at the threshold of all, worst over best

The mean of the groups' own accuracies, their standard deviation (divided by groups − 1) and the skewed error ratio,
highest error over lowest, are those of the tables on RFW.

Sources: Wang & Deng, "Mitigating bias in face recognition using skewness-aware reinforcement learning", CVPR 2020,
arXiv:1911.10692; Robinson et al., 2020 (data.pairs.bfw); ISO/IEC 19795-10:2024 for the differentials.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from marginface.contract import Contract
from marginface.data.pairs.grouped import GroupedPairs
from marginface.errors import DataError, InputError
from marginface.evaluation.reading import ALIGNED, Reader, Vectors
from marginface.evaluation.scoring.scores import NO_FACE, PairScores, score_similarities
from marginface.evaluation.scoring.slices import Slices, slice_rates, strictest
from marginface.metrics import Interval, identity_bootstrap, require_supported_far, ten_fold_accuracy
from marginface.similarity import pair_similarities
from marginface.values import BoolArray, DoubleArray, IntArray

if TYPE_CHECKING:
    from marginface.embedding import Embedder


@dataclass(frozen=True, slots=True, eq=False)
class GroupScores:
    """A group: what its pairs come to at thresholds of its own, and its accuracy at the thresholds of all pairs.

    ``own_interval`` and ``common_interval`` are of the two accuracies, over people.
    """

    name: str
    own: PairScores
    own_interval: Interval
    common_accuracy: float
    common_interval: Interval

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "group": self.name,
            **self.own.to_dict(),
            "accuracy_interval_identities": self.own_interval.to_list(),
            "accuracy_at_common_thresholds": self.common_accuracy,
            "accuracy_at_common_thresholds_interval": self.common_interval.to_list(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class GroupResult:
    """What a model scored by group; ``common`` are all pairs, ``rates`` the groups at the threshold of all."""

    data: GroupedPairs
    groups: tuple[GroupScores, ...]
    unscored: tuple[str, ...]
    common: PairScores
    rates: Slices
    failures: tuple[Path, ...]
    model: str
    contract: Contract
    aligned: bool
    seconds: float

    def spread(self) -> dict[str, float | None]:
        """Return mean, standard deviation and skewed error ratio of the groups' own accuracies.

        None where there are fewer than two groups, and the ratio where the best group has no error.
        """
        accuracies = np.array([group.own.accuracy.mean for group in self.groups])
        if len(accuracies) < 2:
            return {"mean": None, "standard_deviation": None, "skewed_error_ratio": None}
        errors = 1 - accuracies
        ratio = float(errors.max() / errors.min()) if errors.min() > 0 else None
        spread = float(accuracies.std(ddof=1))
        return {"mean": float(accuracies.mean()), "standard_deviation": spread, "skewed_error_ratio": ratio}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "protocol": self.data.pairs.protocol,
            "model": self.model,
            "groups": [group.to_dict() for group in self.groups],
            "groups_without_a_score": list(self.unscored),
            "own_accuracies": self.spread(),
            "all_pairs": self.common.to_dict(),
            "at_the_common_threshold": self.rates.to_dict(),
            "images": len(self.data.pairs.images),
            "failures_to_acquire": len(self.failures),
            "failures": [str(path) for path in self.failures],
            "contract": self.contract.id,
            "mirror": self.contract.mirror,
            "aligned": self.aligned,
            "seconds": round(self.seconds, 2),
        }


def evaluate_groups(
    embedder: Embedder, data: GroupedPairs, reader: Reader = ALIGNED, *, fars: Sequence[float] | None = None
) -> GroupResult:
    """Run pairs with groups on a model. Without a cropper in ``reader`` the images are aligned crops.

    A group whose pairs are of one kind, or in one fold, has no score of its own and is named; its rates at the common
    threshold are there.

    Raises:
        InputError: a FAR that the impostor pairs of a group cannot support, or that all cannot.
        DataError: an image is missing, or an aligned crop has another size.
    """
    started, pairs, contract = time.perf_counter(), data.pairs, embedder.contract
    names = np.asarray(data.groups)
    scored = [name for name in np.unique(names).tolist() if _can_be_scored(pairs.genuine, pairs.fold, names == name)]
    _require_supported(fars, {name: names == name for name in scored}, pairs.genuine)
    missing = reader.store.missing(pairs.images)
    if missing:
        raise DataError(f"{pairs.protocol}: {len(missing):,} images are missing, such as {missing[0]}")
    vectors, found = reader.embed(pairs.images, Vectors.of(embedder))
    similarities = np.full(len(pairs), NO_FACE)
    usable = found[pairs.first] & found[pairs.second]
    similarities[usable] = pair_similarities(vectors, pairs.first[usable], pairs.second[usable])
    common = _score(data, similarities, np.ones(len(pairs), dtype=bool), fars)
    points = common.tar_at_far
    threshold = strictest(points).threshold if points else common.accuracy.threshold
    return GroupResult(
        data=data,
        groups=tuple(_group(data, similarities, name, names == name, common, fars) for name in scored),
        unscored=tuple(sorted(set(names.tolist()) - set(scored))),
        common=common,
        rates=slice_rates(similarities, pairs.genuine, "group", data.groups, threshold),
        failures=tuple(path for path, ok in zip(pairs.images, found, strict=True) if not ok),
        model=embedder.card.name,
        contract=contract,
        aligned=reader.cropper is None,
        seconds=time.perf_counter() - started,
    )


def _can_be_scored(genuine: BoolArray, fold: IntArray, here: BoolArray) -> bool:
    return len(np.unique(genuine[here])) == 2 and len(np.unique(fold[here])) > 1


def _require_supported(fars: Sequence[float] | None, groups: dict[str, BoolArray], genuine: BoolArray) -> None:
    for far in fars or ():
        for name, here in groups.items():
            try:
                require_supported_far(far, int((here & ~genuine).sum()))
            except InputError as error:
                raise InputError(f"{name}: {error}") from None


def _score(data: GroupedPairs, similarities: DoubleArray, here: BoolArray, fars: Sequence[float] | None) -> PairScores:
    """Score some of the pairs on their own; their folds are numbered anew, for a group may have none of one."""
    pairs = data.pairs
    fold = np.unique(pairs.fold[here], return_inverse=True)[1].astype(np.int64)
    accuracy = ten_fold_accuracy(similarities[here], pairs.genuine[here], fold)
    return score_similarities(similarities[here], pairs.genuine[here], accuracy, fars=fars)


def _group(
    data: GroupedPairs,
    similarities: DoubleArray,
    name: str,
    here: BoolArray,
    common: PairScores,
    fars: Sequence[float] | None,
) -> GroupScores:
    pairs, own = data.pairs, _score(data, similarities, here, fars)
    people = data.people[pairs.first[here]], data.people[pairs.second[here]]
    of_own, of_common = (accepted == pairs.genuine[here]
                         for accepted in (own.accuracy.accepted, common.accuracy.accepted[here]))  # fmt: skip
    return GroupScores(
        name=name,
        own=own,
        own_interval=identity_bootstrap(of_own, *people),
        common_accuracy=float(of_common.mean()),
        common_interval=identity_bootstrap(of_common, *people),
    )
