"""``marginface bounds``: how large a scale must be and a margin may be."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from marginface.cli.options import JsonFlag, print_json

app = typer.Typer()


@app.command()
def bounds(
    classes: Annotated[int, typer.Option("--classes", help="C, the number of identities.")],
    dim: Annotated[int, typer.Option("--dim", help="D, the length of an embedding.")] = 512,
    posterior: Annotated[
        float, typer.Option("--posterior", help="P: how sure the head must be of a perfect feature, 0 to 1.")
    ] = 0.9,
    margin: Annotated[float | None, typer.Option("--margin", help="m of CosFace: adds the scales it needs.")] = None,
    scale: Annotated[float, typer.Option("--scale", help="s, where a bound depends on it.")] = 64.0,
    as_json: JsonFlag = False,
) -> None:
    """Print the bounds of the papers on scale, margin, penalty and loss, each with its meaning and its source."""
    from marginface.cli.extras import require_train_extra

    require_train_extra()
    from marginface.losses.theory import bounds as all_bounds

    found = all_bounds(classes, dim, posterior, margin=margin, scale=scale)
    if as_json:
        print_json([asdict(bound) for bound in found])
        return
    for bound in found:
        typer.echo(f"{bound.name:<21} {bound.side:<8} {bound.value:>9.4g}   {bound.meaning} ({bound.source})")
