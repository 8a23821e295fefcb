"""Two models on the same pairs: is one better, at the accuracy and at each FAR?

Accuracy: at the best threshold of the other folds, on no grid (metrics.threshold_accuracy); its difference over people
(metrics.paired_difference), with McNemar's exact test, which takes pairs as independent, beside it. TAR at a FAR: the
difference over resamples of the people, the same for both, each with its own threshold (metrics.resampled_tars).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from marginface.errors import InputError
from marginface.evaluation.comparison.losses import LEVEL, p_text
from marginface.evaluation.protocols.score_file import ScoreTable
from marginface.evaluation.scoring.scores import USUAL_FARS
from marginface.metrics import (
    CrossedMean,
    Interval,
    McNemar,
    PeopleOfPairs,
    TarAtFar,
    mcnemar,
    paired_difference,
    resampled_tars,
    supports_far,
    tars_at_fars,
    threshold_accuracy,
    wilson_interval,
)
from marginface.metrics.roc import FarRule
from marginface.values import BoolArray, IntArray
from marginface.words import percent, points


@dataclass(frozen=True, slots=True)
class TarDifference:
    """TAR of both models at a FAR; ``interval`` is of second − first over people, None where these are not known."""

    first: TarAtFar
    second: TarAtFar
    interval: Interval | None

    @property
    def difference(self) -> float:
        """Return second − first."""
        return self.second.tar - self.first.tar

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "far": self.first.far,
            "tar": [self.first.tar, self.second.tar],
            "difference": self.difference,
            "interval": None if self.interval is None else self.interval.to_list(),
        }


@dataclass(frozen=True, slots=True)
class TwoModels:
    """The comparison. ``accuracy`` are the two accuracies, None without folds; ``units`` what the test counts over."""

    names: tuple[str, str]
    pairs: int
    accuracy: tuple[float, float] | None
    difference: CrossedMean | None
    mcnemar: McNemar | None
    units: str
    tar: tuple[TarDifference, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        values: dict[str, Any] = {"models": list(self.names), "pairs": self.pairs, "accuracy": None}
        if self.accuracy is not None and self.difference is not None and self.mcnemar is not None:
            values["accuracy"] = {
                "of": list(self.accuracy),
                "difference": self.difference.mean,
                "interval": self.difference.interval().to_list(),
                "p_value": self.difference.p_value,
                "over": self.units,
                "mcnemar": {
                    "only_first_right": self.mcnemar.only_first,
                    "only_second_right": self.mcnemar.only_second,
                    "p_value": self.mcnemar.p_value,
                },
            }
        return {**values, "tar_at_far": [one.to_dict() for one in self.tar], "sentences": self.sentences()}

    def sentences(self) -> list[str]:
        """Say what may be said, a sentence for each figure."""
        first, second = self.names
        found = []
        if self.difference is not None:
            low, high = self.difference.interval().to_list()
            shown = self.difference.p_value < LEVEL
            over = f"over {self.units}, p {p_text(self.difference.p_value)}"
            found.append(_sentence(first, second, "accuracy", self.difference.mean, (low, high), shown, over))
        for one in self.tar:
            what = f"TAR at FAR {one.first.far:g}"
            if one.interval is None:
                found.append(f"{what}: {second} is {points(one.difference)} above {first}; no interval without people.")
            else:
                low, high = one.interval.to_list()
                found.append(
                    _sentence(first, second, what, one.difference, (low, high), low > 0 or high < 0, "over people")
                )
        return found


def _sentence(
    first: str, second: str, what: str, difference: float, ends: tuple[float, float], shown: bool, over: str
) -> str:
    limits = f"{points(difference, ends)} {over}"
    if not shown:
        return f"In {what} no difference is shown: {second} − {first} is {limits}."
    return f"In {what} {second} is shown {'better' if difference > 0 else 'worse'} than {first}: by {limits}."


def compare_tables(
    names: tuple[str, str],
    first: ScoreTable,
    second: ScoreTable,
    *,
    fars: Sequence[float] | None = None,
    rule: FarRule = "at_most",
    resamples: int = 1000,
) -> TwoModels:
    """Compare the scores of two models on the same pairs, in the same order.

    Raises:
        InputError: the pairs are not the same, they are of one kind, or a FAR is not supported.
    """
    _require_same_pairs(first, second)
    known = _who_and_where(first, second)
    genuine = known.genuine
    if genuine.all() or not genuine.any():
        raise InputError(f"genuine and impostor comparisons are needed; all {len(genuine):,} are of one kind")
    impostors = int((~genuine).sum())
    wanted = [far for far in USUAL_FARS if supports_far(impostors, far)] if fars is None else list(fars)
    points = [tars_at_fars(one.scores[genuine], one.scores[~genuine], wanted, rule) for one in (first, second)]
    drawn = None if known.people is None else (known.people, resamples)
    tar = tuple(TarDifference(a, b, _interval((first, second), a, drawn)) for a, b in zip(*points, strict=True))
    if known.fold is None:
        return TwoModels(names, len(genuine), None, None, None, "", tar)
    one, other = (
        threshold_accuracy(table.scores, genuine, known.fold).accepted == genuine for table in (first, second)
    )
    groups, units = _groups(known, known.fold)
    return TwoModels(
        names=names,
        pairs=len(genuine),
        accuracy=(float(one.mean()), float(other.mean())),
        difference=paired_difference(one[None], other[None], *groups),
        mcnemar=mcnemar(one, other),
        units=units,
        tar=tar,
    )


def _require_same_pairs(first: ScoreTable, second: ScoreTable) -> None:
    if len(first.scores) != len(second.scores) or not np.array_equal(first.genuine, second.genuine):
        raise InputError(
            f"two models are compared on the same pairs in the same order; got {len(first.scores):,} and "
            f"{len(second.scores):,} pairs, or genuine ones in other places"
        )
    if first.fold is not None and second.fold is not None and not np.array_equal(first.fold, second.fold):
        raise InputError("two models are compared in the same folds; the column fold of the two files differs")
    if not _have_the_same_people(first, second):
        raise InputError("two models are compared on the same pairs; the identity columns of the two files differ")
    for column in ("image_a", "image_b"):
        ours, theirs = first.columns.get(column), second.columns.get(column)
        if ours is not None and theirs is not None and ours != theirs:
            at = next(place for place, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
            raise InputError(f"two models are compared on the same pairs; line {at + 2}: {ours[at]} and {theirs[at]}")


def _have_the_same_people(first: ScoreTable, second: ScoreTable) -> bool:
    """Say so as far as both files tell both people of a pair."""
    told = [one.people for one in (first, second) if one.people is not None and (one.people.second >= 0).all()]
    if len(told) < 2:
        return True
    return all(
        np.array_equal(getattr(told[0], name), getattr(told[1], name)) for name in ("genuine", "first", "second")
    )


def _who_and_where(first: ScoreTable, second: ScoreTable) -> ScoreTable:
    """Return the first table with people and folds of whichever file has them: the pairs are the same."""
    fold = second.fold if first.fold is None else first.fold
    return replace(first, fold=fold, people=second.people if first.people is None else first.people)


def _interval(
    tables: Sequence[ScoreTable], point: TarAtFar, drawn: tuple[PeopleOfPairs, int] | None
) -> Interval | None:
    """Return the interval of second − first over people, both drawn with the same seed, by the rule of a point."""
    if drawn is None:
        return None
    people, resamples = drawn
    tars = [
        resampled_tars(
            one.scores[one.genuine], one.scores[~one.genuine], people, point.far, point.rule, resamples=resamples
        )
        for one in tables
    ]
    low, high = np.nanquantile(tars[1] - tars[0], [0.025, 0.975])
    if low == high:  # every resample alike, as of two models without an error: nothing is known of other people
        width = wilson_interval(0, len(np.unique(people.genuine))).high
        low, high = low - width, high + width
    return Interval(float(low), float(high), 0.95, "paired bootstrap over identities")


def _groups(table: ScoreTable, fold: IntArray) -> tuple[tuple[IntArray, IntArray], str]:
    """Return who is on the pairs, in their order, and what that is; where people are not known the fold stands in."""
    if table.people is None or (table.people.second < 0).any():
        return (fold, fold), "folds"
    people = table.people
    one, other = (_in_order(table.genuine, people.genuine, part) for part in (people.first, people.second))
    return (one, other), "people"


def _in_order(genuine: BoolArray, of_genuine: IntArray, of_impostor: IntArray) -> IntArray:
    people = np.empty(len(genuine), dtype=np.int64)
    people[genuine], people[~genuine] = of_genuine, of_impostor
    return people


def two_model_lines(found: TwoModels) -> list[tuple[str, str, str, str]]:
    """Return the rows of two models side by side."""
    rows = []
    if found.accuracy is not None and found.mcnemar is not None:
        alone = f"{found.mcnemar.only_first:,} and {found.mcnemar.only_second:,} right alone, McNemar p"
        first, second = map(percent, found.accuracy)
        rows.append(("Accuracy", first, second, f"{alone} {p_text(found.mcnemar.p_value)}"))
    for one in found.tar:
        note = f"{one.first.impostor_pairs:,} impostor pairs"
        rows.append((f"TAR at FAR {one.first.far:g}", percent(one.first.tar), percent(one.second.tar), note))
    return rows
