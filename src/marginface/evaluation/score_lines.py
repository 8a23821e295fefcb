"""The rows of the terminal's tables: what, figure, interval or note."""

from __future__ import annotations

from collections.abc import Sequence

from marginface.evaluation.comparison import p_text
from marginface.evaluation.identification import GalleryScores
from marginface.evaluation.open_set import OpenSetResult
from marginface.evaluation.score_file import ScoreResult
from marginface.evaluation.slices import Slices
from marginface.evaluation.templates import TemplateResult
from marginface.evaluation.two_models import TwoModels
from marginface.metrics import Interval, Rate, TarAtFar
from marginface.words import percent, percent_interval

Line = tuple[str, str, str]


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
    rows += [("EER", percent(result.eer), ""), ("AUC", f"{result.auc:.5f}", "")]
    return rows


def template_lines(result: TemplateResult) -> list[Line]:
    """Return the rows of a protocol of templates: 1:1, then each gallery of 1:N."""
    rows: list[Line] = []
    if result.verification is not None:
        rows += _tar_lines(result.verification.tar_at_far, result.verification.intervals)
        rows += [("EER", percent(result.verification.eer), ""), ("AUC", f"{result.verification.auc:.5f}", "")]
    return rows + [line for gallery in result.galleries for line in gallery_lines(gallery)]


def gallery_lines(gallery: GalleryScores) -> list[Line]:
    """Return the rows of one gallery."""
    searches = gallery.searches
    rows = [(f"Gallery {gallery.name}", f"{searches.gallery:,} people", "")]
    for rank, (rate, interval) in gallery.ranks().items():
        rows.append((f"  rank {rank}", percent(rate), _over(interval, len(searches.rank), "mated searches")))
    for point in gallery.tpir_at_fpir:
        note = _over(point.interval, point.mated, "mated searches") + f", {point.nonmated:,} non-mated"
        rows.append((f"  TPIR at FPIR {point.fpir:g}", percent(point.tpir), note))
    return rows


def open_set_lines(result: OpenSetResult) -> list[Line]:
    """Return the rows of open-set identification on photos."""
    images = len(result.split.gallery) + len(result.split.probes)
    failures = ("Without a face", f"{len(result.failures):,} of {images:,}", "counted as missed, or as not returned")
    return [*gallery_lines(result.scores), failures]


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


def slice_lines(slices: Slices) -> list[Line]:
    """Return the rows of a division, its differentials last."""
    rows = [(part.name, _rate(part.fmr), _rate(part.fnmr)) for part in slices.parts]
    found = (slices.differential(kind) for kind in ("fmr", "fnmr"))
    fmr, fnmr = ("–" if one is None else f"{one[2]:.1f} ({one[0].name} : {one[1].name})" for one in found)
    return [*rows, ("worst : best", fmr, fnmr)]


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
            rows.append(("", "", f"{percent_interval(over_people[number].to_list())} (bootstrap, identities)"))
    return rows


def _over(interval: Interval, trials: int, kind: str) -> str:
    return f"{percent_interval(interval.to_list())} ({trials:,} {kind})"
