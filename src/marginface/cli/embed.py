"""``marginface embed``: photos → embeddings, in a file or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.bars import progress_bar
from marginface.cli.options import (
    Address,
    BatchRuntime,
    BatchWorkers,
    ExecutorName,
    JsonFlag,
    MinScore,
    Mirror,
    Model,
    PerShard,
    checked_place,
    executor_of,
    print_json,
    typed_command,
)
from marginface.defaults import DEFAULT_ENGINE, DEFAULT_MIN_SCORE, DEFAULT_MODEL, DEFAULT_WORKERS, PER_SHARD
from marginface.words import plural

if TYPE_CHECKING:
    from marginface.batch import BatchReport, Executor, Work
    from marginface.pipeline import Recognizer
    from marginface.values import Embedding

app = typer.Typer()


@app.command()
def embed(
    photos: Annotated[
        list[str],
        typer.Argument(
            metavar="PHOTO",
            show_default=False,
            help="Photos to read. With --format parquet: one folder per identity, tar shards, Parquet files or a list.",
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            "--out", "-o", metavar="FILE.npz", help="Where to write them; with --format parquet a folder or URL."
        ),
    ] = "",
    model: Model = DEFAULT_MODEL,
    mirror: Mirror = False,
    min_score: MinScore = DEFAULT_MIN_SCORE,
    runtime: BatchRuntime = DEFAULT_ENGINE,
    to: Annotated[str, typer.Option("--format", help="npz, or parquet: shards, for very many images.")] = "npz",
    aligned: Annotated[
        bool, typer.Option("--aligned", help="With --format parquet: the images are 112×112 crops already.")
    ] = False,
    per_shard: PerShard = PER_SHARD,
    executor: ExecutorName = "local",
    address: Address = "",
    workers: BatchWorkers = DEFAULT_WORKERS,
    as_json: JsonFlag = False,
) -> None:
    """Turn the largest face of each photo into an embedding: a unit vector to compare by cosine.

    FILE.npz holds photos (N,), embeddings (N, D) float32 and the contract id; read it with numpy.load. Parquet files
    hold name, identity, label and embedding, and what is left out is in left-out.jsonl beside them; run it again to go
    on. Exit status: 0 done, 2 an error, or a photo for FILE.npz that cannot be read or has no face: it is left out.
    """
    from marginface.batch.embeddings import Embedding as Embedded
    from marginface.data.embedding_files import embeddings_file
    from marginface.errors import InputError
    from marginface.pipeline import Recognizer

    maker = executor_of(executor, workers, address)
    if to != "npz":
        work = Embedded(model, mirror, aligned, min_score, runtime)
        done = _embed_shards(photos, out, to, work, maker, per_shard)
        print_json(done.to_dict()) if as_json else typer.echo(done.summary())
        return
    if executor != "local" or aligned:
        raise InputError("--engine ray and --aligned are for shards of embeddings: say --format parquet as well")
    if (not out) == (not as_json):
        raise InputError("say where the embeddings go: --out FILE.npz or --json, one of the two")
    file = checked_place(embeddings_file(Path(out))) if out else None
    recognizer = Recognizer.load(model, mirror=mirror, min_score=min_score, engine=runtime)
    made, failed = _embed_all([Path(photo) for photo in photos], recognizer, workers)
    if file is None:
        print_json(_as_plain(made, failed, recognizer))
    elif made:
        _save(made, recognizer, file)
    else:
        failed[str(file)] = f"{file}: no photo gave an embedding; nothing was written"
    for message in failed.values():
        typer.echo(f"marginface: {message}", err=True)
    if failed:
        raise typer.Exit(2)


def _embed_shards(sources: list[str], out: str, to: str, work: Work, executor: Executor, per_shard: int) -> BatchReport:
    from marginface.batch import run
    from marginface.data.packs import open_images
    from marginface.errors import InputError
    from marginface.locations import location

    if len(sources) != 1 or not out:
        raise InputError(
            f"shards of embeddings are made of one source and need --out FOLDER; got {plural(len(sources), 'source')}"
            + (f" and --out {out}" if out else " and no --out")
        )
    work.formats[to]  # raises UnknownName before the source is listed
    images = open_images(location(sources[0]))
    with progress_bar("Embedding", "images") as progress:
        return run(
            images,
            work,
            location(out),
            to,
            executor=executor,
            per_shard=per_shard,
            command=typed_command(),
            progress=progress,
        )


def _embed_all(photos: list[Path], recognizer: Recognizer, workers: int) -> tuple[dict[str, Embedding], dict[str, str]]:
    outcomes = recognizer.embed_all(photos, workers=workers)
    made = {outcome.photo: outcome.embedding for outcome in outcomes if outcome}
    return made, {outcome.photo: outcome.explain() for outcome in outcomes if not outcome}


def _as_plain(made: dict[str, Embedding], failed: dict[str, str], recognizer: Recognizer) -> dict[str, object]:
    rows = [{"photo": photo, "embedding": [float(v) for v in item.vector]} for photo, item in made.items()]
    errors = [{"photo": photo, "error": message} for photo, message in failed.items()]
    return {"contract": recognizer.contract.id, "embeddings": rows, "failed": errors}


def _save(made: dict[str, Embedding], recognizer: Recognizer, out: Path) -> None:
    import numpy as np

    from marginface.data.embedding_files import write_embeddings

    contract = recognizer.contract
    vectors = np.array([item.vector for item in made.values()], np.float32).reshape(len(made), contract.embedding_size)
    write_embeddings(out, list(made), vectors, contract.id)
    typer.echo(f"{out}: {plural(len(made), 'embedding')} of {contract.embedding_size} numbers, contract {contract.id}")
