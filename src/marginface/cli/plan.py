"""``marginface plan``: how many identities fit, and what a step takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.amounts import amount, duration
from marginface.cli.options import JsonFlag, print_json
from marginface.words import plural

if TYPE_CHECKING:
    from marginface.training.plan import Plan, Price

app = typer.Typer()


@app.command()
def plan(
    classes: Annotated[int, typer.Option("--classes", show_default=False, help="C, the number of identities.")],
    recipe: Annotated[
        Path | None,
        typer.Argument(metavar="RECIPE", show_default=False, help="A TOML file: dim, batch, optimizer, loss."),
    ] = None,
    dim: Annotated[int | None, typer.Option("--dim", help="D, the length of an embedding; 512 without recipe.")] = None,
    batch: Annotated[
        int | None, typer.Option("--batch", help="Images per process and step; 128 without recipe.")
    ] = None,
    ranks: Annotated[int, typer.Option("--ranks", help="R, processes that share the classes.")] = 1,
    optimizer: Annotated[
        str | None, typer.Option("--optimizer", help="sgd (momentum, decay) or adamw; sgd without recipe.")
    ] = None,
    memory_gb: Annotated[
        float | None, typer.Option("--memory-gb", help="Memory of each process, 1e9 bytes; else this machine's.")
    ] = None,
    gflops: Annotated[
        float | None, typer.Option("--gflops", help="Multiply rate of each process; else it is measured here.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Price the head of C identities: memory, matrix products and traffic of each way to compute it.

    Only the head, in memory that lives. Not in the figures: interpreter and torch (about 0.3 GB), backbone, images,
    what an allocator keeps, element-wise work, the network's delays. docs/how-to/how-many-identities.md says more.
    """
    from marginface.cli.extras import require_train_extra

    require_train_extra()
    from marginface.training import Recipe, read_recipe
    from marginface.training import plan as planning

    values = Recipe() if recipe is None else read_recipe(recipe)
    head = planning.head_of(values, classes, dim=dim, batch=batch, kind=optimizer)
    planning.check_ranks(head, ranks)
    machine = planning.machine_of(memory_gb, gflops, head.dim, head.batch * ranks)
    found = planning.plan(head, ranks, machine)
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found)


def _show(plan: Plan) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from marginface.training.plan import GIVEN

    console = Console(highlight=False, markup=False)
    console.print(_title(plan), soft_wrap=True)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", overflow="fold")
    products = ("products" if name == GIVEN else f"products\n{name}" for name in plan.machine.gflops)
    for column in ("memory", *products, "sent", "fits"):
        table.add_column(column, justify="right")
    ranks = 0
    for price in plan.prices:
        if price.way.ranks != ranks:
            ranks = price.way.ranks
            table.add_row(f"{ranks:,} process" + ("" if ranks == 1 else "es"), *([""] * (len(table.columns) - 1)))
        table.add_row(*_cells(price))
    console.print(table)
    console.print(plan.advice(), soft_wrap=True)


def _title(plan: Plan) -> str:
    head, machine = plan.head, plan.machine
    per_class = f" of {head.sub_centers} centers" if head.sub_centers > 1 else ""
    rates = ", ".join(f"{rate:,.0f} GFLOP/s ({name})" for name, rate in machine.gflops.items())
    measured = "" if machine.threads is None else f", measured here on {plural(machine.threads, 'thread')}"
    return (
        f"{head.classes:,} identities{per_class}, {head.dim} dimensions, "
        f"float32; {head.optimizer.kind}; {plural(head.batch, 'image')} per process and step\n"
        f"each process: {amount(machine.memory)} of memory; {rates}{measured}"
    )


def _cells(price: Price) -> tuple[str, ...]:
    times = (duration(seconds) for seconds in price.seconds.values())
    sent = amount(price.sent_bytes) if price.sent_bytes else "–"
    return (f"  {price.way.name}", amount(price.peak.bytes), *times, sent, "yes" if price.fits else "no")
