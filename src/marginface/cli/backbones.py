"""``marginface backbones``: which backbones there are, how large they are, and what their sources say."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from marginface.cli.options import JsonFlag, print_json

app = typer.Typer()


@app.command()
def backbones(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Only these; none: all.", show_default=False)
    ] = None,
    input_size: Annotated[int, typer.Option("--input-size", help="Side of the images, pixels.")] = 112,
    as_json: JsonFlag = False,
) -> None:
    """List the backbones with their options, parameters and multiply-adds of one image, beside the published figures.

    "published" is what the source prints, for 112×112 images; papers on face recognition say FLOPs for multiply-adds.
    """
    from marginface.cli.extras import require_train_extra

    require_train_extra()
    from marginface.backbones.listing import listing

    rows = listing(names or (), input_size)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    typer.echo(f"{'backbone':<14} {'options':<10} {'D':>4} {'parameters':>12} {'GFLOPs':>8}  published")
    for row in rows:
        options = ", ".join(f"{name} {value:g}" for name, value in row.options.items())
        typer.echo(
            f"{row.name:<14} {options:<10} {row.embedding_size:>4} {row.parameters:>12,} {row.gflops:>8.3f}  "
            f"{row.published}"
        )
    typer.echo(f"For {input_size}×{input_size} images. The options of a backbone: marginface backbones NAME --json")
