"""A calibration for a reader: the rows of the terminal's table, and a page with DET, histogram and all numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from marginface.evaluation.calibration.photos import CalibrationResult
from marginface.evaluation.reports.sections import background
from marginface.markup import Html, document, element, figure, image, join, row, table, write_page
from marginface.matching.calibration import Calibration, Rung, ladder
from marginface.matching.calibration.table import SAME_RATE
from marginface.metrics import trials_needed, wilson_interval
from marginface.plots import counted_similarity_figure, det_figure, render
from marginface.values import Threshold
from marginface.words import decimal, percent, percent_interval

COLUMNS = ("FMR, at most", "Threshold", "true FMR, 95 %", "FNMR", "95 %")
SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
FPIRS = (0.1, 0.01, 0.001)
FEW_PEOPLE = 30
_SHOWN = 200  # failures on the page


def decades(calibration: Calibration) -> tuple[float, ...]:
    """Return the powers of ten among the rates of a calibration, and its smallest rate."""
    rates = [rung.fmr for rung in calibration.thresholds]
    tens = [rate for rate in rates if f"{rate:e}".startswith("1.000000e")]
    return tuple(tens if rates[-1] in tens else [*tens, rates[-1]])


def calibration_lines(calibration: Calibration, fmrs: Sequence[float] = ()) -> list[tuple[str, ...]]:
    """Return a row for each rate, by default for the decades; see COLUMNS.

    Raises:
        CalibrationError: the data does not support a rate.
    """
    return [_line(calibration.threshold(fmr)) for fmr in fmrs or decades(calibration)]


def _line(threshold: Threshold) -> tuple[str, ...]:
    bounds, refused = threshold.fmr_bounds, threshold.fnmr_bounds
    return (
        f"{threshold.fmr:.3g}",
        decimal(threshold.similarity, 4),
        "–" if bounds is None else f"{bounds[0]:.2g} – {bounds[1]:.2g}",
        "–" if threshold.fnmr is None else percent(threshold.fnmr),
        "–" if refused is None else percent_interval(refused),
    )


def remarks(result: CalibrationResult) -> list[str]:
    """Return what a user should know before trusting the thresholds, a sentence or two each."""
    data, calibration = result.calibration.data, result.calibration
    pairs = f"{data.impostor_pairs:,} impostor pairs and {data.genuine_pairs:,} genuine pairs"
    photos, smallest = data.photos + data.failures_to_acquire, calibration.smallest_fmr
    tenth = smallest / 10
    lines = [
        f"{data.words}; {pairs}. {data.failures_to_acquire:,} of {photos:,} photos gave no face.",
        f"Smallest supported FMR: {smallest:.2g}. No error in n pairs bounds the rate below 3/n at 95 %; for "
        f"{tenth:.2g} it takes {trials_needed(tenth):,} impostor pairs.",
    ]
    supported = ladder(data.impostor_pairs)[-1]
    if smallest > supported * SAME_RATE:
        lines.append(
            f"So many pairs would support {supported:.2g}: photos of several people have similarity 1, as where one "
            "photo lies under several names. marginface data audit finds them."
        )
    if data.people < FEW_PEOPLE:
        lines.append(f"{data.people} people are few: what it is for faces unlike theirs, the bounds cannot say.")
    if not data.genuine_pairs:
        lines.append("Nobody has two photos: how often a person is refused (FNMR) is not known.")
    return lines


def write_calibration_page(result: CalibrationResult, path: Path, fmrs: Sequence[float] = ()) -> None:
    """Write the page, whole or not at all.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    write_page(calibration_page(result, fmrs), path)


def calibration_page(result: CalibrationResult, fmrs: Sequence[float] = ()) -> str:
    """Return the page; the thresholds of ``fmrs`` are drawn in the histogram."""
    calibration = result.calibration
    sections = {
        "Thresholds": _thresholds(calibration),
        "Searches": _searches(calibration),
        "Curves": _curves(result, fmrs or decades(calibration)),
        "Photos without a face": _failures(result),
        "Data and environment": _background(result),
    }
    lead = [element("p", line) for line in remarks(result)]
    return document(f"Calibration of {calibration.model}", lead, sections)


def _thresholds(calibration: Calibration) -> Html:
    head = ["FMR, at most", "Threshold", "False matches", "true FMR, 95 %", "Wilson, 95 %", "FNMR", "95 %"]
    note = (
        "True FMR: of people like these; pairs that share a person are taken together. Wilson: as if all pairs were "
        "independent, which they are not. FNMR: share of genuine pairs that are refused."
    )
    return table(head, [row(_cells(calibration, rung)) for rung in calibration.thresholds], note)


def _cells(calibration: Calibration, rung: Rung) -> list[str]:
    pairs = wilson_interval(rung.false_matches, calibration.data.impostor_pairs)
    rate, similarity, bounds, refused, of_refused = _line(calibration.threshold(rung.fmr))
    return [
        rate,
        similarity,
        f"{rung.false_matches:,}",
        bounds,
        f"{pairs.low:.2g} – {pairs.high:.2g}",
        refused,
        of_refused,
    ]


def _searches(calibration: Calibration) -> Html:
    head = ["Comparisons in a search", *(f"FPIR {fpir:g}" for fpir in FPIRS)]
    rows = [row([f"{size:,}", *(_search_cell(calibration, fpir, size) for fpir in FPIRS)]) for size in SIZES]
    note = (
        "Threshold of a search in a gallery so large, by the share of strangers for whom somebody may be returned "
        "(FPIR). A dash: the impostor pairs do not reach so far."
    )
    return table(head, rows, note)


def _search_cell(calibration: Calibration, fpir: float, size: int) -> str:
    if size > calibration.largest_size(fpir):
        return "–"
    return decimal(calibration.identification_threshold(fpir, size).similarity, 4)


def _curves(result: CalibrationResult, fmrs: Sequence[float]) -> Html:
    calibration, counts = result.calibration, result.counts
    lines = {
        f"FMR {fmr:.2g}: {calibration.threshold(fmr).similarity:.3f}": calibration.threshold(fmr).similarity
        for fmr in fmrs
    }
    drawn = [
        _picture(
            render(counted_similarity_figure(counts, lines)),
            "Histogram of similarities",
            "Where similarities lie; lines: thresholds.",
        )
    ]
    if counts.genuine_pairs:
        det = render(det_figure({calibration.model: counts.roc()}))
        drawn.append(_picture(det, "DET curve", "Lower is better; both axes are stretched at the ends."))
    return element("div", *drawn, attributes={"class": "figures"})


def _picture(svg: bytes, description: str, caption: str) -> Html:
    return figure(image(svg, "image/svg+xml", description), caption)


def _failures(result: CalibrationResult) -> Html:
    if not result.failures:
        return Html("")
    shown = list(result.failures.items())[:_SHOWN]
    more = (
        element("p", f"{len(result.failures) - _SHOWN:,} more are in the JSON.")
        if len(result.failures) > _SHOWN
        else Html("")
    )
    listed = table(["Photo", "Why"], [row(list(one)) for one in shown], "No pair has these photos.")
    return join([listed, more])


def _background(result: CalibrationResult) -> Html:
    made, data = result.calibration.made, result.calibration.data
    about = {
        "contract": result.calibration.contract,
        "data": data.words,
        "photos without a face": data.failures_to_acquire,
        "excluded": len(result.excluded),
        "genuine pairs": data.genuine_pairs,
        "impostor pairs": data.impostor_pairs,
        "crops": made.cropping,
        "alignment": made.alignment,
        "date": made.date.isoformat(),
    }
    return background(about, {**made.versions, "seconds": f"{result.seconds:.1f}"}, made.command)
