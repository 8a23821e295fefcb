"""``marginface bench``: how fast a part of the system is here, and what holds it back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.options import JsonFlag, print_json

if TYPE_CHECKING:
    from marginface.training import Recipe

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _bench() -> None:
    """Measure a part of the system on this machine."""


@app.command()
def data(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE|DATA",
            show_default=False,
            help="A recipe (.toml): loading and training. Or crops of any format, as for 'marginface data inspect': "
            "loading alone.",
        ),
    ],
    override: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key: --set data.workers=4. May be repeated."),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0, help="How long each measurement goes on.")] = 3.0,
    as_json: JsonFlag = False,
) -> None:
    """Say what a batch costs to read, decode, augment, transfer and learn, and which of these is the bottleneck.

    No crop is kept in memory meanwhile, and of packs only the index is checked. Nothing is written. Give it a machine
    that does nothing else.
    """
    from marginface.cli.extras import require_train_extra

    require_train_extra()
    from marginface.training.allocator import keep_freed_memory
    from marginface.training.loading import measure_loading

    keep_freed_memory()
    recipe, train = _recipe_for(source, override or [])
    found = measure_loading(recipe, train=train, seconds=seconds)
    if as_json:
        print_json(found.to_dict())
    else:
        typer.echo("\n".join(found.lines()))


def _recipe_for(source: str, overrides: list[str]) -> tuple[Recipe, bool]:
    """Return the recipe that is to be measured, and whether there is something to train."""
    from marginface.training import read_recipe, recipe_from

    if source.endswith(".toml"):
        return read_recipe(Path(source), overrides), True
    values = {"data": {"source": "packed", "path": source, "min_images": 1}}
    return recipe_from(values, "--set", overrides), False
