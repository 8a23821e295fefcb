"""``marginface runs``: which runs there are, what one did, and what differs between two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from marginface.cli.options import JsonFlag, print_json, typed_command
from marginface.cli.tables import print_table

if TYPE_CHECKING:
    from marginface.training.folder.state import CurvePoint, RunFolder

app = typer.Typer(no_args_is_help=True)

Run = Annotated[Path, typer.Argument(metavar="RUN", show_default=False, help="The folder of a run.")]
_SHOWN = (
    "data.source",
    "backbone.name",
    "backbone.input_size",
    "backbone.embedding_size",
    "loss.name",
    "loss.scale",
    "loss.margin",
    "optim.kind",
    "optim.learning_rate",
    "schedule.kind",
    "train.batch_size",
    "train.precision",
    "train.seed",
)


@app.callback()
def _runs() -> None:
    """List, show and compare the runs of 'marginface train'."""


@app.command("list")
def list_(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="DIR", show_default=False, help="Where to look; default runs/.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """List the runs at and below folders: how far each is, its state, its held-out accuracy with a 95 % interval.

    States: running, finished, interrupted (Ctrl-C), diverged, failed (a full disk and the like), killed.
    """
    from marginface.errors import MarginfaceError
    from marginface.training.folder.state import find_runs, open_run

    rows: list[dict[str, Any]] = []
    table: list[tuple[str, ...]] = []
    for path in find_runs(folders or [Path("runs")]):
        try:
            run = open_run(path)
        except MarginfaceError as error:
            rows.append({"run": str(path), "state": "unreadable", "message": str(error)})
            table.append((str(path), "–", "–", "–", f"unreadable: {error}", "–", "–"))
            continue
        rows.append(run.to_dict())
        table.append(_line(run))
    if as_json:
        print_json(rows)
    elif table:
        print_table(("Run", "Loss", "Backbone", "Steps", "State", "Held-out pairs, %", "Age"), table)
    else:
        typer.echo("No runs there. A run is a folder that 'marginface train' made.")


@app.command()
def show(run: Run, as_json: JsonFlag = False) -> None:
    """Show a run: recipe, last figures, curve, checkpoints, and what was noted or changed on the way."""
    from marginface.plots.sparkline import sparkline
    from marginface.training.folder.state import open_run, spread

    found = open_run(run)
    points = found.curve(spread([record["step"] for record in found.journal]))
    if as_json:
        print_json(_shown_values(found, points))
        return
    steps = f"{found.step:,} of {found.total_steps:,}" if found.total_steps else f"{found.step:,}"
    typer.echo(f"{found.value('name')}: {found.state}, {steps} steps, {age_text(found.age)} ago ({found.path})")
    if found.message:
        typer.echo(f"  {found.message}")
    typer.echo("  " + ", ".join(f"{key} = {found.value(key)}" for key in _SHOWN if found.value(key) is not None))
    typer.echo(f"Held-out pairs right: {found.held_out or 'not measured'}")
    for line in found.packs:
        typer.echo(line)
    typer.echo(f"\nLoss  {sparkline([record['loss'] for record in found.journal])}")
    print_table(("Step", "Loss, mean since the row above", "Training, %", "Held-out, %"), [_cells(p) for p in points])
    for name, size in found.checkpoints():
        typer.echo(f"{name}  {size / 1e6:,.1f} MB")
    for line in (*_told_history(found), *found.notes):
        typer.echo(f"- {line}")


@app.command()
def diff(
    first: Run,
    second: Run,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE.html", show_default=False, help="Write a page with both curves."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Say what differs between two runs: recipes key by key, curves at the steps both have, results."""
    from marginface.training.folder.diff import RunDifference, names_of, write_difference
    from marginface.training.folder.state import open_run

    found = RunDifference(open_run(first), open_run(second))
    if report is not None:
        write_difference(found, report, typed_command())
    if as_json:
        print_json(found.to_dict())
        return
    names = names_of([found.first, found.second])
    keys = [(key, _text(ours), _text(theirs)) for key, ours, theirs in found.changed_keys()]
    print_table(("Recipe", *names), keys or [("no difference", "", "")])
    curves = [
        (f"{ours.step:,}", _number(ours.loss), _number(theirs.loss), _share(ours.held_out), _share(theirs.held_out))
        for ours, theirs in found.curves()
    ]
    print_table(("Step", *(f"Loss, {name}" for name in names), *(f"Held-out, %, {name}" for name in names)), curves)
    for sentence in found.sentences():
        typer.echo(sentence)
    if report is not None:
        typer.echo(f"Page: {report}")


def age_text(seconds: float) -> str:
    """Return an age in the largest unit that fits.

    >>> age_text(42), age_text(7200), age_text(3 * 86400)
    ('42 s', '2 h', '3 d')
    """
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _line(run: RunFolder) -> tuple[str, ...]:
    settings = [
        f"{sign} {run.value(key):g}" for sign, key in (("s", "loss.scale"), ("m", "loss.margin")) if run.value(key)
    ]
    loss = " ".join([str(run.value("loss.name")), *settings])
    done = f"{run.step:,} / {run.total_steps:,}" if run.total_steps else f"{run.step:,}"
    measured = "–" if run.held_out is None else str(run.held_out).replace(" %", "").replace("%", "")
    return (str(run.path), loss, str(run.value("backbone.name")), done, run.state, measured, age_text(run.age))


def _cells(point: CurvePoint) -> tuple[str, ...]:
    return (f"{point.step:,}", _number(point.loss), _share(point.train_accuracy), _share(point.held_out))


def _told_history(run: RunFolder) -> list[str]:
    """Say when the run was begun, resumed and ended."""
    lines = []
    for event in run.history:
        changed = "; ".join(f"{key} {before} → {now}" for key, (before, now) in event.get("changes", {}).items())
        details = "; ".join(part for part in (changed, event.get("data_change", "")) if part)
        lines.append(
            f"{event['time']} {event['event']} at step {event['step']:,}" + (f": {details}" if details else "")
        )
    return lines


def _shown_values(run: RunFolder, points: list[CurvePoint]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        **run.to_dict(),
        "recipe": run.recipe,
        "last": run.journal[-1] if run.journal else None,
        "curve": [asdict(point) for point in points],
        "checkpoints": [{"name": name, "bytes": size} for name, size in run.checkpoints()],
        "packs": run.packs,
        "history": [{key: value for key, value in event.items() if key != "recipe"} for event in run.history],
        "notes": run.notes,
    }


def _text(value: object) -> str:
    return "–" if value is None else str(value)


def _number(value: float) -> str:
    return f"{value:.4g}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f}"
