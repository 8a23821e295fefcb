"""The rows of the terminal's tables, by protocol: what, figure, interval or note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marginface.evaluation.protocols.all_pairs import AllPairsResult
from marginface.evaluation.protocols.distractors import DistractorResult
from marginface.evaluation.protocols.groups import GroupResult
from marginface.evaluation.protocols.open_set import OpenSetResult
from marginface.evaluation.protocols.score_file import ScoreResult
from marginface.evaluation.protocols.templates import TemplateResult
from marginface.evaluation.protocols.tinyface import RANKS, TinyFaceResult
from marginface.evaluation.scoring.identification import GalleryScores
from marginface.evaluation.scoring.slices import Slices
from marginface.metrics import Interval, Rate, TarAtFar
from marginface.words import decimal, percent, percent_interval

Line = tuple[str, str, str]
_SHOWN = 3  # impostor pairs


def score_lines(result: ScoreResult) -> list[Line]:
    """Return the rows of a score file."""
    rows: list[Line] = []
    if result.accuracy is not None:
        low, high = result.to_dict()["accuracy_interval"]
        figure = f"{100 * result.accuracy.mean:.2f} ± {100 * result.accuracy.std:.2f} %"
        rows.append(
            ("Accuracy", figure, f"{percent_interval([low, high])} (Wilson, {len(result.table.scores):,} pairs)")
        )
    rows += _tar_lines(result.tar_at_far, result.intervals)
    return rows + curve_lines(result.to_dict())


def curve_lines(numbers: Mapping[str, Any]) -> list[Line]:
    """Return the rows of EER and AUC of some numbers, with their intervals."""
    of_rate, of_area = numbers["eer_interval"], numbers["auc_interval"]
    how = f" ({numbers['auc_and_eer_interval_method']})"
    return [
        ("EER", percent(numbers["eer"]), percent_interval(of_rate) + how if of_rate else ""),
        ("AUC", f"{numbers['auc']:.5f}", f"{of_area[0]:.5f} – {of_area[1]:.5f}" + how if of_area else ""),
    ]


def template_lines(result: TemplateResult) -> list[Line]:
    """Return the rows of a protocol of templates: 1:1, then each gallery of 1:N."""
    rows: list[Line] = []
    if result.verification is not None:
        rows += _tar_lines(result.verification.tar_at_far, result.verification.intervals)
        rows += curve_lines(result.verification.to_dict())
    return rows + [line for gallery in result.galleries for line in gallery_lines(gallery)]


def gallery_lines(gallery: GalleryScores) -> list[Line]:
    """Return the rows of one gallery."""
    searches = gallery.searches
    rows = [(f"Gallery {gallery.name}", f"{searches.gallery:,} people", "")]
    over_people = gallery.over_people()
    for rank, (rate, interval) in gallery.ranks().items():
        rows.append((f"  rank {rank}", percent(rate), _over(interval, len(searches.rank), "mated searches")))
        rows += [("", "", _over_people(over_people[rank]))] if over_people else []
    for number, point in enumerate(gallery.tpir_at_fpir):
        note = _over(point.interval, point.mated, "mated searches") + f", {point.nonmated:,} non-mated"
        rows.append((f"  TPIR at FPIR {point.fpir:g}", percent(point.tpir), note))
        rows += [] if gallery.intervals is None else [("", "", _over_people(gallery.intervals[number]))]
    return rows


def open_set_lines(result: OpenSetResult) -> list[Line]:
    """Return the rows of open-set identification on photos."""
    images = len(result.split.gallery) + len(result.split.probes)
    return [*gallery_lines(result.scores), _failures(result.failures, images)]


def slice_lines(slices: Slices) -> list[Line]:
    """Return the rows of a division, its differentials last."""
    rows = [(part.name, _rate(part.fmr), _rate(part.fnmr)) for part in slices.parts]
    found = (slices.differential(kind) for kind in ("fmr", "fnmr"))
    fmr, fnmr = ("–" if one is None else f"{one[2]:.1f} ({one[0].name} : {one[1].name})" for one in found)
    return [*rows, ("worst : best", fmr, fnmr)]


def distractor_lines(result: DistractorResult) -> list[Line]:
    """Return the rates at each number of distractors, then TAR at FAR among all."""
    rows: list[Line] = []
    for one in result.rates:
        what = f"{one.distractors:,} distractors" if one.rank == result.rates[0].rank else ""
        rows.append((what, f"rank {one.rank}: {percent(one.rate)}", _over_people(one.interval)))
    rows += _tars_over_people(result.tar_at_far, result.intervals)
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
        rows += _tars_over_people(one.tar_at_far, one.intervals)
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


def _rate(rate: Rate | None) -> str:
    if rate is None:
        return "–"
    return f"{percent(rate.share)} [{percent_interval(rate.interval.to_list())}], {rate.errors:,} of {rate.trials:,}"


def _tar_lines(points: Sequence[TarAtFar], over_people: Sequence[Interval] | None) -> list[Line]:
    rows: list[Line] = []
    for number, point in enumerate(points):
        note = f"{percent_interval(point.interval.to_list())} ({point.impostor_pairs:,} impostor pairs)"
        rows.append((f"TAR at FAR {point.far:g}", percent(point.tar), note))
        if over_people is not None:
            rows.append(("", "", _over_people(over_people[number])))
    return rows


def _over(interval: Interval, trials: int, kind: str) -> str:
    return f"{percent_interval(interval.to_list())} ({trials:,} {kind})"


def _tars_over_people(points: Sequence[TarAtFar], intervals: Sequence[Interval]) -> list[Line]:
    return [
        (f"  TAR at FAR {point.far:g}", percent(point.tar), _over_people(interval))
        for point, interval in zip(points, intervals, strict=True)
    ]


def _over_people(interval: Interval) -> str:
    return f"{percent_interval(interval.to_list())} (bootstrap, identities)"


def _failures(failures: Sequence[object], images: int) -> Line:
    return ("Without a face", f"{len(failures):,} of {images:,}", "counted as missed, or as not returned")
