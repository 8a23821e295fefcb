"""``marginface train``: a recipe → a run folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from marginface.training import Progress, Recipe

app = typer.Typer()


@app.command()
def train(
    recipe: Annotated[
        Path, typer.Argument(metavar="RECIPE", show_default=False, help="A TOML file; recipes/ has some.")
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", show_default=False, help="New folder for the run.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow",
            metavar="KEY",
            help="Resume although this key has changed; 'data': other images. May be repeated.",
        ),
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key: --set train.epochs=5. May be repeated."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Build everything, take two steps on noise, print the plan; no --out.")
    ] = False,
    procs: Annotated[
        int, typer.Option("--procs", metavar="N", help="Train in N processes of this machine; several: torchrun.")
    ] = 1,
) -> None:
    """Train a recognizer from a recipe.

    The folder then holds recipe.toml (every value), journal.jsonl (a line per step), checkpoints/, report.html and
    manifest.json; 'marginface runs' looks at it. Relative paths in a recipe start where you are. Ctrl-C finishes the
    step, saves, and says how to go on. Exit status: 0 done, 2 an error with one message, 130 interrupted.
    """
    from marginface.cli.extras import require_train_extra

    require_train_extra()
    from marginface.errors import RankFailed
    from marginface.training import TrainingInterrupted, read_recipe
    from marginface.training import train as run_training
    from marginface.training.allocator import keep_freed_memory
    from marginface.training.distributed import Place, is_launched_here, launch

    keep_freed_memory()
    values = read_recipe(recipe, override or [])
    if dry_run:
        _print_plan(values)
        return
    if out is None:
        raise typer.BadParameter("a training needs a new folder: --out runs/NAME", param_hint="--out")
    if procs != 1 and not is_launched_here():
        raise typer.Exit(launch([sys.executable, "-m", "marginface", *sys.argv[1:]], procs))
    speaks = Place.here().rank == 0
    try:
        with progress_bar() as progress:
            result = run_training(values, out, resume=resume, allow=allow or [], progress=progress)
    except TrainingInterrupted as stopped:
        if speaks:
            typer.echo(f"marginface: {stopped}", err=True)
        raise typer.Exit(130) from None
    except RankFailed:  # that process has said why
        raise typer.Exit(2) from None
    if speaks:
        typer.echo(result.summary())


def _print_plan(values: Recipe) -> None:
    """Do what --dry-run asks for."""
    from marginface.cli.dry_run import show
    from marginface.training.dry_run import dry_run

    show(dry_run(values))


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None]]:
    """Show steps, speed, loss, learning rate and time left on standard error; plain lines where it is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(file=sys.stderr, highlight=False)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting")

        def show(progress: Progress) -> None:
            for note in progress.notes:
                console.print(note, markup=False, soft_wrap=True)
            text = progress.describe()
            bar.update(task, completed=progress.step, total=progress.total_steps, description=text)
            if not console.is_terminal and progress.is_milestone():
                console.print(f"{progress.step}/{progress.total_steps} {text}", markup=False, soft_wrap=True)

        yield show
