"""The rows of the terminal's tables of distractors, TinyFace, groups and all pairs: what, figure, interval or note."""

from __future__ import annotations

from collections.abc import Sequence

from marginface.evaluation.all_pairs import AllPairsResult
from marginface.evaluation.distractors import DistractorResult
from marginface.evaluation.groups import GroupResult
from marginface.evaluation.tinyface import RANKS, TinyFaceResult
from marginface.metrics import Interval, TarAtFar
from marginface.words import decimal, percent, percent_interval

Line = tuple[str, str, str]
_SHOWN = 3  # impostor pairs


def distractor_lines(result: DistractorResult) -> list[Line]:
    """Return the rates at each number of distractors, then TAR at FAR among all."""
    rows: list[Line] = []
    for one in result.rates:
        what = f"{one.distractors:,} distractors" if one.rank == result.rates[0].rank else ""
        rows.append((what, f"rank {one.rank}: {percent(one.rate)}", _over_people(one.interval)))
    rows += _tar_lines(result.tar_at_far, result.intervals)
    return [*rows, _failures((*result.probes.failures, *result.distractors.failures), _photos(result))]


def _photos(result: DistractorResult) -> int:
    return len(result.probes) + len(result.distractors)


def tinyface_lines(result: TinyFaceResult) -> list[Line]:
    """Return rank 1, 5, 10, 20 and mAP."""
    rows: list[Line] = []
    for rank in RANKS:
        rate, interval = result.retrieval.rate(rank)
        rows.append((f"rank {rank}", percent(rate), _over_people(interval)))
    precision, interval = result.retrieval.mean_precision()
    rows.append(("mAP", percent(precision), _over_people(interval)))
    protocol = result.protocol
    images = len(protocol.probes) + len(protocol.gallery) + len(protocol.distractors)
    return [*rows, _failures(result.failures, images)]


def all_pairs_lines(result: AllPairsResult) -> list[Line]:
    """Return the TARs of every set."""
    rows: list[Line] = []
    for one in result.sets:
        pairs = f"{len(one.genuine):,} genuine, {one.impostor_pairs:,} impostor pairs"
        rows.append((one.name, f"{one.images:,} photos of {one.people:,}", pairs))
        rows += _tar_lines(one.tar_at_far, one.intervals)
    rows += [(name, "–", f"too few photos: {reason}") for name, reason in result.unscored]
    for number, (first, second, similarity) in enumerate(result.sets[0].look_alikes[:_SHOWN]):
        rows.append(("" if number else "Most similar impostors", decimal(similarity), f"{first}, {second}"))
    return [*rows, _failures(result.failures, result.sets[0].images)]


def group_lines(result: GroupResult) -> list[tuple[str, str, str, str]]:
    """Return a row a group: accuracy at its own and at the common thresholds, over people; TAR at FARs of its own."""
    rows = []
    for group in result.groups:
        own = group.own
        accuracy = f"{percent(own.accuracy.mean)} [{percent_interval(group.own_interval.to_list())}]"
        common = f"{percent(group.common_accuracy)} [{percent_interval(group.common_interval.to_list())}]"
        points = [f"{percent(point.tar)} at {point.far:g}" for point in own.tar_at_far]
        rows.append((group.name, accuracy, common, ", ".join(points) or "–"))
    rows += [(name, "–", "pairs of one kind, or in one fold", "–") for name in result.unscored]
    spread = result.spread()
    if spread["mean"] is not None and spread["standard_deviation"] is not None:
        ratio = spread["skewed_error_ratio"]
        note = f"± {100 * spread['standard_deviation']:.2f}, error {'–' if ratio is None else f'{ratio:.2f}'} : 1"
        rows.append(("mean", f"{percent(spread['mean'])} {note}", "", ""))
    return rows


def _tar_lines(points: Sequence[TarAtFar], intervals: Sequence[Interval]) -> list[Line]:
    return [
        (f"  TAR at FAR {point.far:g}", percent(point.tar), _over_people(interval))
        for point, interval in zip(points, intervals, strict=True)
    ]


def _over_people(interval: Interval) -> str:
    return f"{percent_interval(interval.to_list())} (bootstrap, identities)"


def _failures(failures: Sequence[object], images: int) -> Line:
    return ("Without a face", f"{len(failures):,} of {images:,}", "counted as missed, or as not returned")
