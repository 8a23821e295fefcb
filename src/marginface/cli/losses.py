"""``marginface losses``: which losses there are, and what one is."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.options import JsonFlag, print_json

if TYPE_CHECKING:
    from marginface.losses.describe import LossDescription

CLASSES, DIMENSIONS = 10_000, 512  # of the head whose cautions are shown

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(as_json: JsonFlag = False) -> None:
    """List the losses by name, each with its formula and its options."""
    from marginface.cli.extras import require_train_extra

    require_train_extra()
    from marginface.losses import LOSSES
    from marginface.losses.describe import describe

    found = [describe(name, LOSSES[name]) for name in LOSSES]
    if as_json:
        print_json([asdict(description) for description in found])
        return
    width = max(len(description.name) for description in found)
    for description in found:
        typer.echo(f"{description.name:<{width}}  {description.title}")
        typer.echo(f"{'':<{width}}  {_options(description) or 'no options'}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from 'marginface losses list'.")],
    as_json: JsonFlag = False,
) -> None:
    """Show a loss: formula, source, options with their defaults, where public code differs, what to beware of.

    What it is worth and what to beware of are those of 10,000 classes in 512 dimensions before any training.
    """
    from marginface.cli.extras import require_train_extra

    require_train_extra()
    from marginface.errors import InputError
    from marginface.losses import LOSSES
    from marginface.losses.describe import describe
    from marginface.losses.table import HeadRequest
    from marginface.losses.theory import cautions_of, facts_of

    if ":" in name:
        raise InputError(f"a loss is shown by its name alone: marginface losses show {name.partition(':')[0]}")
    description = describe(name, LOSSES[name])
    head = LOSSES[name].head(HeadRequest(name, CLASSES, DIMENSIONS))
    facts, cautions = facts_of(head), cautions_of(head)
    if as_json:
        print_json({**asdict(description), "facts": facts, "cautions": cautions})
        return
    typer.echo(f"{description.name}: {description.title}\n\n{description.text}\n")
    typer.echo(f"Defaults: {_options(description) or 'there are no options'}")
    for sentence in (*facts, *cautions):
        typer.echo(f"- {sentence}")


def _options(description: LossDescription) -> str:
    return ", ".join(f"{option} = {value}" for option, value in description.defaults.items())
