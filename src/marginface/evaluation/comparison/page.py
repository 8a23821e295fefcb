"""The page of a comparison: table, what the numbers support, pictures, costs, background; one file, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marginface.evaluation.comparison.files import COLUMNS, COST_COLUMNS, Comparison, cells, cost_cells, note_of
from marginface.evaluation.comparison.losses import ComparedLoss, LossResult, sentences
from marginface.evaluation.reports.sections import background
from marginface.markup import Html, document, element, figure, image, join, row, table, write_page
from marginface.plots import interval_figure, render, training_figure
from marginface.plots.training import has_series

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Journal = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Extras:
    """What a page shows beside the table: journals by name for the training curves, pictures with their captions."""

    journals: Mapping[str, Journal] = field(default_factory=dict)
    pictures: Mapping[str, Figure] = field(default_factory=dict)
    title: str = "Grid"


def write_comparison(comparison: Comparison, extras: Extras, path: Path) -> None:
    """Write the page.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    write_page(render_comparison(comparison, extras), path)


def render_comparison(comparison: Comparison, extras: Extras) -> str:
    """Return the page as text."""
    results = comparison.results()
    contents = {
        "Results": join(_protocol(protocol, rows) for protocol, rows in results.items()),
        extras.title: _pictures(extras.pictures),
        "Training": _training(extras.journals),
        "Cost": _cost(comparison.losses),
        "Data and environment": background(comparison.data, comparison.environment, comparison.command),
    }
    return document(comparison.title, [element("p", lead(comparison))], contents)


def lead(comparison: Comparison) -> str:
    """Say what was compared and what the page holds."""
    runs = [run for loss in comparison.losses for run in loss.runs]
    finished = sum(run.status == "finished" for run in runs)
    return (
        f"{len(comparison.losses)} losses, {finished} of {len(runs)} runs finished. Every run has the same data in the "
        "same order, the same backbone initialization for a seed, the same schedule and the same number of steps; all "
        "are measured on the same pairs."
    )


def _protocol(protocol: str, rows: Sequence[LossResult]) -> Html:
    body = [row(cells(result), mark="differs" if _is_shown(result) else "") for result in rows]
    said = [element("li", text) for text in sentences(rows)]
    found = [(result, result.interval) for result in rows if result.interval is not None]
    drawn = {result.label: (result.accuracies, (ends.low, ends.high)) for result, ends in found}
    return join(
        [
            element("h3", protocol),
            table(COLUMNS, body, note_of(rows)),
            element("ul", *said) if said else Html(""),
            figure(_svg(interval_figure(protocol, drawn), f"Accuracies on {protocol}"), protocol, mark="narrow"),
        ]
    )


def _is_shown(result: LossResult) -> bool:
    return result.difference is not None and result.difference.is_shown


def _pictures(pictures: Mapping[str, Figure]) -> Html:
    if not pictures:
        return Html("")
    return element(
        "div", *(figure(_svg(drawn, name), name) for name, drawn in pictures.items()), attributes={"class": "figures"}
    )


def _training(journals: Mapping[str, Journal]) -> Html:
    found = {name: journal for name, journal in journals.items() if has_series(journal)}
    if not found:
        return Html("")
    caption = "What was recorded over the steps, one run of each loss. Losses of different kinds do not compare."
    return figure(_svg(training_figure(found), caption), caption, mark="narrow")


def _cost(losses: Sequence[ComparedLoss]) -> Html:
    note = (
        "Seconds: the whole run with its start and evaluation. Images/s: median over steps. Memory: of the process. "
        "Runs side by side slow each other down: compare speeds of --jobs 1."
    )
    return table(COST_COLUMNS, [row(line) for line in cost_cells(losses)], note)


def _svg(drawn: Figure, description: str) -> Html:
    return image(render(drawn), "image/svg+xml", description)
