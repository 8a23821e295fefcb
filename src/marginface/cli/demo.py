"""``marginface demo``: both roads in three minutes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.options import make_folder
from marginface.words import percent

if TYPE_CHECKING:
    from marginface.demo import DemoResult

app = typer.Typer()


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder for what the demo makes.")] = Path("runs/demo"),
    data: Annotated[
        Path | None, typer.Option(show_default=False, help="Your own photos, one folder per person, instead of drawn.")
    ] = None,
) -> None:
    """Draw faces, train with two losses, measure, report, export and verify: offline, about three minutes.

    The folder must be new or empty.
    """
    from marginface.cli.extras import require_train_extra
    from marginface.cli.train import progress_bar

    require_train_extra()
    from marginface.demo import run_demo
    from marginface.training import TrainingInterrupted
    from marginface.training.allocator import keep_freed_memory

    keep_freed_memory()
    try:
        with progress_bar() as progress:
            result = run_demo(make_folder(out), photos=data, say=typer.echo, progress=progress)
    except TrainingInterrupted as stopped:
        typer.echo(f"marginface: {stopped}", err=True)
        raise typer.Exit(130) from None
    _print(result)


def _print(result: DemoResult) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("loss", "accuracy on unseen identities", "95 % interval", "AUC", "EER")
    for loss, run in result.runs.items():
        if run.held_out is not None:
            numbers = run.held_out.scores.to_dict()
            low, high = numbers["accuracy_interval"]
            table.add_row(
                loss,
                percent(numbers["accuracy_mean"]),
                f"{percent(low)} to {percent(high)}",
                f"{numbers['auc']:.4f}",
                percent(numbers["eer"]),
            )
    Console().print(table)
    typer.echo(f"Two photos of one person: {result.same.explain()}\n")
    typer.echo(f"Two photos of two people: {result.different.explain()}\n")
    typer.echo(f"Report, to open in a browser: {result.report}")
    typer.echo("Next:")
    typer.echo(f"  marginface verify A.jpg B.jpg --model {result.model} --fmr 0.01")
    typer.echo("  marginface verify A.jpg B.jpg                    a real recognizer, for photographs")
    recipe = result.report.with_name(next(iter(result.runs))) / "recipe.toml"
    typer.echo(f"  marginface train {recipe} --out runs/again    the same, with what you change in it")
    typer.echo("  marginface demo --data photos --out runs/mine    your own, a folder per person")
