"""``marginface compare``: train several losses under equal conditions and say which differences are shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.options import typed_command
from marginface.cli.tables import print_table

if TYPE_CHECKING:
    from marginface.evaluation.comparison.files import Comparison

app = typer.Typer()

Recipe = Annotated[Path, typer.Argument(metavar="RECIPE", show_default=False, help="A TOML file; recipes/ has some.")]
Out = Annotated[Path, typer.Option("--out", "-o", show_default=False, help="Folder; what is finished there stays.")]
Seeds = Annotated[int, typer.Option("--seeds", min=1, help="Runs of each loss, from the recipe's seed on.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Runs at once, each in a process of its own.")]
Override = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe: --set train.epochs=5. Repeatable."),
]
Cfp = Annotated[
    Path | None, typer.Option("--cfp", show_default=False, help="Folder of CFP: measure on CFP-FF and CFP-FP too.")
]


@app.command()
def compare(
    recipe: Recipe,
    losses: Annotated[
        str,
        typer.Option(
            "--losses", show_default=False, help="arcface,cosface,x2softmax:k=0.8; the first is the one to beat."
        ),
    ],
    out: Out,
    seeds: Seeds = 3,
    jobs: Jobs = 1,
    override: Override = None,
    cfp: Cfp = None,
) -> None:
    """Train losses with the same data order, initialization, schedule and budget, and compare them on the same pairs.

    Writes compare.html, .json, .csv and .tex into --out, and a folder for each run. The same command goes on where it
    was interrupted; losses and seeds may be added. A run that failed is a row that says so.
    """
    from marginface.cli.extras import require_train_extra

    require_train_extra()
    from marginface.training import read_recipe
    from marginface.training.comparing.compare import Plan
    from marginface.training.comparing.compare import compare as compare_losses
    from marginface.training.comparing.variants import read_variants

    values = read_recipe(recipe, override or [])
    plan = Plan(read_variants(losses), seeds, out, cfp, jobs, typed_command())
    print_or_stop(lambda: compare_losses(values, plan, tell=tell), out)


def tell(text: str) -> None:
    """Print a line of progress on standard error."""
    typer.echo(text, err=True)


def print_or_stop(work: Callable[[], Comparison], out: Path) -> None:
    """Do the work and print its tables; after Ctrl-C say how to go on, with status 130."""
    from marginface.training import TrainingInterrupted

    try:
        comparison = work()
    except TrainingInterrupted as stopped:
        typer.echo(f"marginface: {stopped}", err=True)
        raise typer.Exit(130) from None
    print_comparison(comparison)
    typer.echo(f"Page: {out / comparison.name}.html, tables beside it: .json, .csv, .tex")


def print_comparison(comparison: Comparison) -> None:
    """Print a table for each protocol with what it supports, and what each run took."""
    from marginface.evaluation.comparison.files import COLUMNS, COST_COLUMNS, cells, cost_cells, note_of
    from marginface.evaluation.comparison.losses import sentences

    for protocol, rows in comparison.results().items():
        print_table(_narrow(COLUMNS), [_narrow(cells(row)) for row in rows], title=protocol)
        for text in (note_of(rows), *sentences(rows)):
            typer.echo(text)
    print_table(COST_COLUMNS, cost_cells(comparison.losses), title="Runs")


def _narrow(line: tuple[str, ...]) -> tuple[str, ...]:
    """Put an interval under its number, so that a row fits in 80 columns."""
    loss, seeds, accuracy, interval, difference, of_difference, *p_values = line
    return (loss, seeds, f"{accuracy}\n{interval}", f"{difference}\n{of_difference}", *p_values)
