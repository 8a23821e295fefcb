"""One table of a suite, as CSV, JSON and LaTeX (booktabs)."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from marginface.environment import describe_environment
from marginface.evaluation.kinds import KINDS
from marginface.evaluation.suite.run import Done, SuiteResult
from marginface.files import write_json, write_text
from marginface.markup import plain_cell, tex_cell
from marginface.words import percent, percent_interval


def headline(done: Sequence[Done]) -> list[dict[str, Any]]:
    """Return the rows of every protocol that is done: what, figure, value, interval; shares in [0, 1].

    ``provenance`` is the card's word on the model: of a training its step and the hashes of recipe and data.
    """
    return [
        {
            "protocol": one.numbers["name"],
            "figure": figure.name,
            "value": figure.value,
            "low": figure.low,
            "high": figure.high,
            "contract": one.numbers["contract"],
            "provenance": one.numbers["provenance"],
        }
        for one in done
        for part in KINDS[one.entry.kind].parts(one.numbers, one.entry.name)
        for figure in part.figures
    ]


def write_tables(result: SuiteResult, out: Path) -> None:
    """Write results.csv, results.json and results.tex."""
    rows = headline(result.done)
    write_text(out / "results.csv", csv_table(result.model, rows))
    values = {
        "model": result.model,
        "suite": result.suite,
        "results": rows,
        "protocols": [one.numbers for one in result.done],
        "environment": describe_environment(),
    }
    write_json(out / "results.json", values)
    write_text(out / "results.tex", latex_table(result.model, rows))


def csv_table(model: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return lines of model, protocol, figure, value, low, high, contract, provenance; shares in [0, 1]."""
    stream = io.StringIO()
    names = ["model", *rows[0]] if rows else ["model"]
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        texts = {key: plain_cell(value) if isinstance(value, str) else value for key, value in row.items()}
        writer.writerow({"model": plain_cell(model), **texts})
    return stream.getvalue()


def latex_table(model: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a table in percent with 95 % intervals, for LaTeX's package booktabs."""
    said = dict.fromkeys(f"{row['protocol']}: contract {row['contract']}, {row['provenance']}" for row in rows)
    lines = [
        f"% {' '.join(model.split())}, made by marginface evaluate suite; needs \\usepackage{{booktabs}}",
        *(f"% {' '.join(line.split())}" for line in said),
        "\\begin{tabular}{llrr}",
        "\\toprule",
        "Protocol & Figure & \\% & 95\\,\\% interval \\\\",
        "\\midrule",
    ]
    before = None
    for row in rows:
        if before is not None and row["protocol"] != before:
            lines.append("\\midrule")
        name = "" if row["protocol"] == before else tex_cell(str(row["protocol"]))
        before = row["protocol"]
        interval = f"{100 * row['low']:.2f}--{100 * row['high']:.2f}"
        figure = tex_cell(str(row["figure"]))
        lines.append(f"{name} & {figure} & {100 * row['value']:.2f} & {interval} \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def lines(result: SuiteResult) -> list[tuple[str, str, str, str]]:
    """Return the rows for the terminal."""
    found = []
    for row in headline(result.done):
        interval = percent_interval([row["low"], row["high"]])
        found.append((row["protocol"], row["figure"], percent(row["value"]), interval))
    return found
