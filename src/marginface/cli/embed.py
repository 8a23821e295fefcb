"""``marginface embed``: photos → embeddings, in a file or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.options import JsonFlag, MinScore, Mirror, Model, Photos, plural, print_json

if TYPE_CHECKING:
    from marginface.pipeline import Recognizer
    from marginface.values import Embedding

app = typer.Typer()


@app.command()
def embed(
    photos: Photos,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE.npz", help="Where to write them.")] = None,
    model: Model = "sface",
    mirror: Mirror = False,
    min_score: MinScore = 0.6,
    as_json: JsonFlag = False,
) -> None:
    """Turn the largest face of each photo into an embedding: a unit vector to compare by cosine.

    FILE.npz holds photos (N,), embeddings (N, D) float32 and the contract id; read it with numpy.load. A photo without
    a face or that cannot be read is reported, left out, and the exit status is then 2.
    """
    from marginface.errors import InputError
    from marginface.pipeline import Recognizer

    if (out is None) == (not as_json):
        raise InputError("say where the embeddings go: --out FILE.npz or --json, one of the two")
    recognizer = Recognizer.load(model, mirror=mirror, min_score=min_score)
    made, failed = _embed_all(photos, recognizer)
    if out is None:
        print_json(_as_plain(made, failed, recognizer))
    else:
        _save(made, recognizer, out)
    for message in failed.values():
        typer.echo(f"marginface: {message}", err=True)
    if failed:
        raise typer.Exit(2)


def _embed_all(photos: list[Path], recognizer: Recognizer) -> tuple[dict[str, Embedding], dict[str, str]]:
    from marginface.errors import FaceCountError, ImageError

    made, failed = {}, {}
    for photo in photos:
        try:
            made[str(photo)] = recognizer.embed(photo)
        except (ImageError, FaceCountError) as error:
            failed[str(photo)] = str(error)
    return made, failed


def _as_plain(made: dict[str, Embedding], failed: dict[str, str], recognizer: Recognizer) -> dict[str, object]:
    rows = [{"photo": photo, "embedding": [float(v) for v in item.vector]} for photo, item in made.items()]
    errors = [{"photo": photo, "error": message} for photo, message in failed.items()]
    return {"contract": recognizer.embedder.contract.id, "embeddings": rows, "failed": errors}


def _save(made: dict[str, Embedding], recognizer: Recognizer, out: Path) -> None:
    import numpy as np

    from marginface.errors import InputError

    contract = recognizer.embedder.contract
    rows = np.zeros((len(made), contract.embedding_size), np.float32)
    for row, item in zip(rows, made.values(), strict=True):
        row[:] = item.vector
    try:
        with out.open("wb") as stream:
            np.savez(stream, photos=np.array(list(made), dtype=str), embeddings=rows, contract=np.array(contract.id))
    except OSError as error:
        raise InputError(f"{out}: cannot write this file: {error.strerror}") from None
    typer.echo(f"{out}: {plural(len(made), 'embedding')} of {contract.embedding_size} numbers, contract {contract.id}")
