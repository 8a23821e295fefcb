"""Run folders as 'marginface train' leaves them, written by hand: what is read from them can be computed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RECIPE = """\
name = "{name}"
[data]
source = "drawn"
hold_out = 4
[backbone]
name = "tiny"
[loss]
name = "arcface"
[train]
epochs = 4.0
steps = 0
"""
REPORT = (
    "<!DOCTYPE html><html lang=en><title>Report</title><style>h1 { color: rgb(0, 114, 178) }</style><h1>A report</h1>"
    "<script>parent.document.title = 'reached'; document.querySelector('h1').textContent = 'scripts run'</script>"
)


def write_run(folder: Path, *, steps: int = 10, state: str = "", report: str = "") -> Path:
    """Write a run of so many steps with loss 10 / step; it was evaluated at the last one; state "": nobody ended it."""
    folder.mkdir(parents=True)
    (folder / "recipe.toml").write_text(RECIPE.format(name=folder.name), encoding="utf-8")
    events = [_event("started", 0, total_steps=2 * steps)]
    if state:
        events.append(_event(state, steps, message="it says why" if state != "finished" else ""))
    (folder / "history.jsonl").write_text(_lines(events), encoding="utf-8")
    add_steps(folder, 1, steps)
    (folder / "data.json").write_text(json.dumps({"fingerprint": "f"}), encoding="utf-8")
    if report:
        (folder / "report.html").write_text(report, encoding="utf-8")
    return folder


def add_steps(folder: Path, first: int, last: int) -> None:
    """Append steps to the journal, as a run does; the last one is evaluated."""
    records: list[dict[str, Any]] = [
        {"step": step, "epoch": step / 5, "loss": 10 / step, "train_accuracy": 1 - 1 / (step + 1)}
        for step in range(first, last + 1)
    ]
    records[-1] |= {"accuracy_mean": 0.9, "accuracy_interval": [0.86, 0.93], "accuracy_pairs": 200}
    with (folder / "journal.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(_lines(records))


def _lines(values: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def _event(what: str, step: int, **details: object) -> dict[str, object]:
    return {"event": what, "step": step, "time": "2026-01-02T03:04:05+00:00", **details}
