"""``marginface toy``: features in two or three dimensions, one picture per loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.options import make_folder, typed_command

if TYPE_CHECKING:
    from marginface.toy import ToyData, ToyStudy

app = typer.Typer()


@app.command()
def toy(
    losses: Annotated[
        str, typer.Option(help="With commas between; parameters after a colon: cosface:margin=0.1,arcface:margin=0.3.")
    ] = "softmax,normface,cosface,arcface,x2softmax",
    data: Annotated[
        str, typer.Option(metavar="digits|FOLDER", help="The digits of scikit-learn, or a folder of aligned crops.")
    ] = "digits",
    dim: Annotated[int, typer.Option(help="Numbers in a feature: 2 or 3.")] = 2,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for toy.html, .json, .png, .svg.")] = Path(
        "runs/toy"
    ),
    identities: Annotated[
        int | None, typer.Option(show_default=False, help="Classes: 8 of a folder, all 10 digits.")
    ] = None,
    spread: Annotated[bool, typer.Option("--spread", help="Of a folder: those whose photos differ most.")] = False,
    compact: Annotated[bool, typer.Option("--compact", help="Of a folder: those whose photos differ least.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Decides weights, order and what is held out.")] = 0,
    steps: Annotated[int, typer.Option(min=1, help="Of every training, the shared start included.")] = 1000,
) -> None:
    """Train one tiny network per loss and draw its features: a minute on the digits, offline.

    Seed, network, budget and start are the same for every loss; the start is a softmax training of 30 % of the steps.
    A margin that is not written is fitted to the number of classes and dimensions. The report says where the numbers
    agree with the CosFace and X2-Softmax articles.
    """
    from marginface.cli.extras import require_train_extra

    require_train_extra()
    from marginface.losses.notation import read_losses
    from marginface.toy import Budget, run_toy, toy_losses, write_study

    written = read_losses(losses)
    images = _read_data(data, identities, spread=spread, compact=compact, seed=seed)
    entries = toy_losses(written, len(images.classes), dim)
    make_folder(out)
    for entry in entries:
        if entry.above_bound:
            typer.echo(f"marginface: {entry.above_bound}", err=True)
    with _bar() as progress:
        study = run_toy(images, entries, size=dim, seed=seed, budget=Budget(steps=steps), progress=progress)
    paths = write_study(study, out, typed_command())
    _print(study, paths)


def _read_data(data: str, identities: int | None, *, spread: bool, compact: bool, seed: int) -> ToyData:
    from marginface.errors import InputError
    from marginface.toy import Choice, digits, identities_of

    if (spread and compact) or (data == "digits" and (spread or compact)):
        raise InputError(
            "--spread and --compact choose identities of a folder of crops, one of the two: --data CROPS --spread"
        )
    if data == "digits":
        return digits(10 if identities is None else identities, seed=seed)
    choice: Choice = "most spread" if spread else "most compact" if compact else "most images"
    return identities_of(Path(data), 8 if identities is None else identities, choice=choice, seed=seed)


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int, float], None]]:
    """Show the step and the loss on standard error, a line per training where it is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting")

        def show(label: str, step: int, total: int, loss: float) -> None:
            bar.update(task, completed=step, total=total, description=f"{label}  loss {loss:.3f}")
            if step == total:
                console.print(f"{label}: {total} steps, last loss {loss:.3f}", markup=False, soft_wrap=True)

        yield show


def _print(study: ToyStudy, paths: tuple[Path, ...]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from marginface.toy.findings import findings
    from marginface.toy.results import TABLE, table_row

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in TABLE:
        table.add_column(name, justify="left" if name == "loss" else "right", overflow="fold")
    for result in study.results:
        table.add_row(*(cell.replace(" / ", "/") for cell in table_row(result)))
    Console().print(table)
    for finding in findings(study):
        typer.echo(f"- {finding}")
    typer.echo(f"{study.seconds:.0f} s. To open in a browser: {next(path for path in paths if path.suffix == '.html')}")
