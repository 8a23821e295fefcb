"""The parts of a report: each takes runs and gives markup, empty where there is nothing to show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marginface.evaluation.reports.runs import ErrorPair, Measurement, RunSummary
from marginface.markup import Html, crop_image, element, figure, folded, image, join, row, table
from marginface.metrics import overlap
from marginface.plots import det_figure, render, roc_figure, similarity_figure, training_figure
from marginface.plots.training import has_series
from marginface.words import decimal, percent, percent_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure


Runs = Sequence[RunSummary]


def _with_note(value: str, note: str) -> Html:
    return join([value, element("small", note)])


def headline(runs: Runs) -> Html:
    """Return the table of all runs and protocols."""
    measured = [(run, measurement) for run in runs for measurement in run.measurements]
    if not measured:
        return Html("")
    far = _common_far([measurement for _, measurement in measured])
    head = ["Run", "Protocol", "Accuracy", "TAR" if far is None else f"TAR at FAR {far:g}", "EER", "AUC", "No face"]
    rows = [row(_headline_cells(run.name, measurement.numbers, far)) for run, measurement in measured]
    return table(head, rows, "Accuracy: mean ± standard deviation over folds. Brackets: 95 % intervals.")


def _common_far(measurements: Iterable[Measurement]) -> float | None:
    """Return the smallest FAR that every measurement has."""
    sets = [{point["far"] for point in measurement.numbers["tar_at_far"]} for measurement in measurements]
    return min(set.intersection(*sets), default=None)


def _headline_cells(name: str, numbers: Mapping[str, Any], far: float | None) -> list[str]:
    accuracy = f"{100 * numbers['accuracy_mean']:.2f} ± {100 * numbers['accuracy_std']:.2f} %"
    notes = f"[{percent_interval(numbers['accuracy_interval'])}] over {numbers['pairs']:,} pairs"
    cells: list[str] = [_with_note(accuracy, notes)]
    if numbers.get("accuracy_interval_identities"):
        interval = percent_interval(numbers["accuracy_interval_identities"])
        cells = [join([cells[0], element("small", f"[{interval}] over identities")])]
    cells.append(_tar_cell(numbers, far))
    failures = f"{numbers['failures_to_acquire']:,} of {numbers['images']:,}" if "images" in numbers else "–"
    return [name, str(numbers["protocol"]), *cells, *_curve_cells(numbers), failures]


def _curve_cells(numbers: Mapping[str, Any]) -> list[str]:
    """Return EER and AUC with their intervals, which numbers of before have none of."""
    cells = [percent(numbers["eer"]), f"{numbers['auc']:.5f}"]
    of_rate, of_area = numbers.get("eer_interval"), numbers.get("auc_interval")
    if not (of_rate and of_area):
        return cells
    notes = f"[{percent_interval(of_rate)}]", f"[{of_area[0]:.5f} – {of_area[1]:.5f}]"
    return [_with_note(cell, note) for cell, note in zip(cells, notes, strict=True)]


def _tar_cell(numbers: Mapping[str, Any], far: float | None) -> str:
    for point in numbers["tar_at_far"]:
        if point["far"] == far:
            note = f"[{percent_interval(point['interval'])}], {point['impostor_pairs']:,} impostor pairs"
            cell = _with_note(percent(point["tar"]), note)
            if "interval_identities" not in point:
                return cell
            over_people = f"[{percent_interval(point['interval_identities'])}] over identities"
            return join([cell, element("small", over_people)])
    return "–"


def training_curves(runs: Runs) -> Html:
    """Return the curves of the runs that have a journal: loss, learning rate, accuracy, similarities of pair losses."""
    journals = {run.name: run.journal for run in runs if has_series(run.journal)}
    if not journals:
        return Html("")
    measured = ", accuracy and similarities" if any(_has_similarities(run) for run in runs) else " and accuracy"
    caption = f"Loss, learning rate{measured} over the steps of the training."
    drawing = _drawing(training_figure(journals), f"{caption} Runs: {', '.join(journals)}.")
    return figure(drawing, caption, mark="narrow")


def _has_similarities(run: RunSummary) -> bool:
    return any("genuine_similarity" in record or "impostor_similarity" in record for record in run.journal)


def _drawing(drawn: Figure, description: str) -> Html:
    return image(render(drawn), "image/svg+xml", description)


def _by_protocol(runs: Runs) -> dict[str, dict[str, Measurement]]:
    grouped: dict[str, dict[str, Measurement]] = {}
    for run in runs:
        for measurement in run.measurements:
            grouped.setdefault(measurement.protocol, {})[run.name] = measurement
    return grouped


def curves(runs: Runs) -> Html:
    """Return ROC, DET and similarities of every protocol, the runs on top of each other."""
    return join(
        join([element("h3", protocol), element("div", *_protocol_figures(found), attributes={"class": "figures"})])
        for protocol, found in _by_protocol(runs).items()
    )


def _protocol_figures(found: Mapping[str, Measurement]) -> list[Html]:
    lines = {name: measurement.roc for name, measurement in found.items()}
    names = ", ".join(found)
    figures = [
        figure(_drawing(roc_figure(lines), f"ROC of {names}"), "Higher is better; the left end is one false accept."),
        figure(_drawing(det_figure(lines), f"DET of {names}"), "Lower is better; both axes are stretched at the ends."),
    ]
    for name, measurement in found.items():
        threshold = float(measurement.numbers["accuracy_threshold"])
        same, different = (measurement.similarities[kind] for kind in (measurement.genuine, ~measurement.genuine))
        drawn = similarity_figure(same, different, threshold, f"Similarities, {name}")
        area = percent(overlap(same, different), 1)
        caption = f"{name}: the two share {area} of their area, the less the better. Threshold: mean of the folds."
        figures.append(figure(_drawing(drawn, f"Histogram of similarities of {name}"), caption))
    return figures


def hardest_errors(runs: Runs) -> Html:
    """Return the worst pairs of every run and protocol as pictures."""
    parts: list[Html] = []
    for run in runs:
        for measurement in run.measurements:
            place = f"{run.name} on {measurement.protocol}"
            parts += _error_grid(f"False matches, {place}", "different people", measurement.false_matches)
            parts += _error_grid(f"False non-matches, {place}", "the same person", measurement.false_non_matches)
    return join(parts)


def _error_grid(title: str, truth: str, errors: Sequence[ErrorPair]) -> list[Html]:
    if not errors:
        return []
    cells = [
        figure(
            element(
                "div",
                crop_image(error.first, f"Crop of {error.names[0]}"),
                crop_image(error.second, f"Crop of {error.names[1]}"),
                attributes={"class": "pair"},
            ),
            f"{decimal(error.similarity)}: {error.names[0]}, {error.names[1]}",
        )
        for error in errors
    ]
    note = f"By the protocol these are photos of {truth}. The number is the similarity."
    return [element("h3", title), element("p", note), element("div", *cells, attributes={"class": "errors"})]


def recipes(runs: Runs) -> Html:
    """Return the settings of all runs side by side, grouped by section, and the full TOML folded."""
    chosen = [run for run in runs if run.recipe]
    rows: list[Html] = []
    for section in dict.fromkeys(name for run in chosen for name in run.recipe):
        rows += _recipe_rows(section, [run.recipe.get(section, {}) for run in chosen])
    note = "Marked rows differ between the runs." if len(chosen) > 1 else "What decides the run."
    settings = table(["Setting", *(run.name for run in chosen)], rows, note) if rows else Html("")
    written = [(f"Full recipe of {run.name} (TOML)", run.recipe_toml) for run in runs if run.recipe_toml]
    texts = [folded(summary, element("pre", text)) for summary, text in written]
    return join([settings, *texts])


def _recipe_rows(section: str, values: Sequence[Mapping[str, Any]]) -> list[Html]:
    span = {"colspan": str(len(values) + 1), "scope": "rowgroup"}
    rows = [element("tr", element("th", section, attributes=span), attributes={"class": "group"})]
    for key in dict.fromkeys(key for value in values for key in value):
        cells = [plain(value.get(key, "–")) for value in values]
        rows.append(row([key, *cells], mark="differs" if len(set(cells)) > 1 else ""))
    return rows


def plain(value: Any) -> str:
    """Write a value of a recipe or a manifest: numbers with thousands marks, lists with commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(plain(part) for part in value)
    return str(value)


def background(data: Mapping[str, Any], environment: Mapping[str, str], command: str) -> Html:
    """Return the command, what the data was and on what it ran."""
    parts = [element("pre", command)] if command else []
    for head, values in (("Data", data), ("Environment", environment)):
        if values:
            rows = [row([key, plain(value)]) for key, value in values.items()]
            parts.append(table([head, "Value"], rows, f"{head} of this report."))
    return join(parts)
