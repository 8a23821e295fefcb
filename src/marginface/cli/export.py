"""``marginface export``: a checkpoint → an ONNX file with its card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marginface.cli.options import JsonFlag, print_json

app = typer.Typer()


@app.command()
def export(
    source: Annotated[Path, typer.Argument(metavar="DIR", show_default=False, help="A run or checkpoint folder.")],
    destination: Annotated[
        Path, typer.Argument(metavar="FILE.onnx", show_default=False, help="Where to write; the card gets .toml.")
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Export a checkpoint to ONNX and prove that both agree: 10 crops, cosine at least 0.99999, or no file."""
    from marginface.cli.extras import require_train_extra

    require_train_extra()
    from marginface.export import export as write

    result = write(source, destination, overwrite=overwrite)
    if as_json:
        about = {"model": str(result.model), "card": str(result.card_file), "sha256": result.card.sha256}
        print_json({**about, "smallest_cosine": result.smallest_cosine})
        return
    size = result.model.stat().st_size / 1e6
    typer.echo(
        f"{result.model}: {size:.1f} MB, input {result.card.input_size} px, {result.card.embedding_size} numbers"
    )
    typer.echo(f"{result.card_file}: sha256, provenance, {len(result.card.thresholds)} thresholds")
    typer.echo(f"Agrees with the checkpoint: smallest cosine {result.smallest_cosine:.7f}")
