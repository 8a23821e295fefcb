"""A comparison as a table: cells for people, and the files compare.json, compare.csv and compare.tex."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from marginface.evaluation.comparison.losses import (
    ComparedLoss,
    LossResult,
    compare_losses,
    p_text,
    protocols_of,
    result_values,
    sentences,
)
from marginface.files import write_text
from marginface.markup import tex_cell
from marginface.metrics import Interval
from marginface.words import decimal, signed

COLUMNS = ("Loss", "Seeds", "Accuracy, %", "95 % interval", "Difference", "95 % interval", "p", "p, Holm")
_COSTS = ("seconds", "images_per_second", "peak_mb")
COST_COLUMNS = ("Run", "Status", "Seconds", "Images/s", "Peak memory, MB")


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Losses with their runs, the command that made them, data and environment.

    ``name`` is that of the files: ``compare`` or ``sweep``.
    """

    name: str
    title: str
    losses: Sequence[ComparedLoss]
    command: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def results(self) -> dict[str, list[LossResult]]:
        """Return the rows of every protocol."""
        return {protocol: compare_losses(self.losses, protocol) for protocol in protocols_of(self.losses)}


def cells(result: LossResult) -> tuple[str, ...]:
    """Return the cells under COLUMNS of a row."""
    found, seeds = result.difference, f"{len(result.seeds)}" + (f" ({result.trouble})" if result.trouble else "")
    accuracy = "–" if result.accuracy is None else f"{100 * result.accuracy:.2f}"
    interval = "–" if result.interval is None else _ends(result.interval, decimal)
    if found is None:
        return (result.label, seeds, accuracy, interval, "–", "–", "–", "–")
    difference = (signed(100 * found.value), _ends(found.interval, signed))
    return (result.label, seeds, accuracy, interval, *difference, p_text(found.p_value), p_text(found.corrected))


def cost_cells(losses: Sequence[ComparedLoss]) -> list[tuple[str, ...]]:
    """Return the cells under COST_COLUMNS of every run."""
    return [
        (
            f"{loss.label}, seed {run.seed}",
            run.status + (f": {run.message}" if run.message else ""),
            f"{run.seconds:.0f}" if run.seconds else "–",
            f"{run.images_per_second:.0f}" if run.images_per_second else "–",
            f"{run.peak_mb:.0f}" if run.peak_mb else "–",
        )
        for loss in losses
        for run in loss.runs
    ]


def note_of(results: Sequence[LossResult]) -> str:
    """Say how the intervals and the tests of a table were made."""
    methods = dict.fromkeys(result.interval.method for result in results if result.interval is not None)
    tests = dict.fromkeys(result.difference.test for result in results if result.difference is not None)
    return (
        f"Accuracy: mean over seeds, interval: {' or '.join(methods) or 'none'}. Difference to {results[0].label} in "
        f"points on the same pairs, interval and p of one test: {' or '.join(tests) or 'none'}. Shown means p, Holm "
        "below 0.05."
    )


def write_tables(comparison: Comparison, out: Path) -> list[Path]:
    """Write the JSON, CSV and LaTeX files into a folder; return their paths."""
    texts = {"json": _json(comparison), "csv": _csv(comparison), "tex": _tex(comparison)}
    paths = []
    for suffix, text in texts.items():
        path = out / f"{comparison.name}.{suffix}"
        write_text(path, text)
        paths.append(path)
    return paths


def _json(comparison: Comparison) -> str:
    results = comparison.results()
    values = {
        "title": comparison.title,
        "command": comparison.command,
        "environment": dict(comparison.environment),
        "data": dict(comparison.data),
        "protocols": {
            protocol: {"results": [result_values(row) for row in rows], "sentences": sentences(rows)}
            for protocol, rows in results.items()
        },
        "runs": [_run_values(loss) for loss in comparison.losses],
    }
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _run_values(loss: ComparedLoss) -> dict[str, Any]:
    names = ("seed", "status", "message", "seconds", "images_per_second", "peak_mb")
    return {"loss": loss.label, "runs": [{name: getattr(run, name) for name in names} for run in loss.runs]}


def _csv(comparison: Comparison) -> str:
    stream = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for protocol, rows in comparison.results().items():
        for result, loss in zip(rows, comparison.losses, strict=True):
            numbers = {key: _flat(value) for key, value in result_values(result).items()}
            values = {"protocol": protocol, **numbers, **_mean_cost(loss)}
            if writer is None:
                writer = csv.DictWriter(
                    stream, [*values, *(name for name in _COSTS if name not in values)], restval="", lineterminator="\n"
                )
                writer.writeheader()
            writer.writerow(values)
    return stream.getvalue()


def _mean_cost(loss: ComparedLoss) -> dict[str, float]:
    """Return the mean cost of the runs that finished."""
    runs = [run for run in loss.runs if run.status == "finished"]
    return {name: round(fmean(getattr(run, name) for run in runs), 1) for name in _COSTS} if runs else {}


def _flat(value: Any) -> Any:
    return " ".join(f"{part:g}" for part in value) if isinstance(value, list) else value


def _tex(comparison: Comparison) -> str:
    """Return a table for each protocol; needs the package booktabs."""
    return "\n".join(_tex_table(protocol, rows) for protocol, rows in comparison.results().items())


def _tex_table(protocol: str, rows: Sequence[LossResult]) -> str:
    lines = [" & ".join(tex_cell(cell) for cell in cells(row)) + r" \\" for row in rows]
    head = " & ".join(tex_cell(column) for column in COLUMNS) + r" \\"
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{tex_cell(protocol)}. {tex_cell(note_of(rows))}}}",
            r"\begin{tabular}{llrlrlrr}",
            r"\toprule",
            head,
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _ends(interval: Interval, text: Callable[[float, int], str]) -> str:
    return f"[{text(100 * interval.low, 2)}, {text(100 * interval.high, 2)}]"
