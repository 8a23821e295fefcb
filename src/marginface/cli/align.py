"""``marginface align``: a folder tree of photos → the same tree of aligned crops, or shards of crops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.bars import progress_bar
from marginface.cli.options import (
    Address,
    BatchWorkers,
    ExecutorName,
    JsonFlag,
    MinScore,
    PerShard,
    executor_of,
    print_json,
    typed_command,
)
from marginface.defaults import DEFAULT_DETECTOR, DEFAULT_MIN_SCORE, DEFAULT_WORKERS, PER_SHARD

if TYPE_CHECKING:
    from marginface.batch.aligning import Aligning

app = typer.Typer()


@app.command()
def align(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC",
            show_default=False,
            help="Folder of photos. For shards, path or URL: a folder per identity, tar shards, Parquet files, a list.",
        ),
    ],
    destination: Annotated[
        str,
        typer.Argument(
            metavar="DST", show_default=False, help="New folder, or one from an earlier run; a path or URL."
        ),
    ],
    face: Annotated[
        str, typer.Option(help="Which face, if there are several: largest, center, or one (several give no crop).")
    ] = "largest",
    pad: Annotated[
        float,
        typer.Option(help="Border added before detection, as a fraction of the longer side; 0.25 helps tight crops."),
    ] = 0.0,
    min_score: MinScore = DEFAULT_MIN_SCORE,
    detector: Annotated[str, typer.Option(help="Name of the detector.")] = DEFAULT_DETECTOR,
    to: Annotated[
        str, typer.Option("--format", help="folders: a file per crop; tar or parquet: shards, for very many photos.")
    ] = "folders",
    per_shard: PerShard = PER_SHARD,
    executor: ExecutorName = "local",
    address: Address = "",
    workers: BatchWorkers = DEFAULT_WORKERS,
    as_json: JsonFlag = False,
) -> None:
    """Crop a folder tree of photos to the same tree of aligned 112×112 PNG faces, or to shards that training reads.

    Run it again to go on after an interruption or, with folders, to add new photos: what is done is not done twice.
    Photos without a face, with several, or unreadable are listed in DST/crops-report.json, of shards in
    DST/left-out.jsonl.
    """
    from marginface.batch import run
    from marginface.data.convert import check_apart
    from marginface.data.packs import open_images
    from marginface.locations import location

    work = _work(detector, face, min_score, pad)
    maker = executor_of(executor, workers, address)
    if to == "folders":
        _align_tree(source, destination, executor, work, workers, as_json=as_json)
        return
    work.formats[to]  # raises UnknownName before the source is listed
    check_apart(location(source), location(destination))
    images = open_images(location(source))
    with progress_bar("Aligning", "photos") as progress:
        done = run(
            images,
            work,
            location(destination),
            to,
            executor=maker,
            per_shard=per_shard,
            command=typed_command(),
            progress=progress,
        )
    print_json(done.to_dict()) if as_json else typer.echo(done.summary())


def _work(detector: str, face: str, min_score: float, pad: float) -> Aligning:
    from marginface.batch.aligning import Aligning

    return Aligning(detector, face, min_score, pad)


def _align_tree(source: str, destination: str, executor: str, work: Aligning, workers: int, *, as_json: bool) -> None:
    from pathlib import Path

    from marginface.cropping import REPORT, crop_tree
    from marginface.errors import InputError

    if executor != "local" or "://" in source + destination:
        raise InputError(
            "a file per crop is written by this process from folder to folder. For a store or another engine say "
            "--format tar (or parquet)"
        )
    with progress_bar("Aligning", "photos") as progress:
        report = crop_tree(Path(source), Path(destination), cropper=work.cropper(), workers=workers, progress=progress)
    if as_json:
        print_json(report.to_dict())
    else:
        typer.echo(report.summary())
        typer.echo(f"Crops and {REPORT} are in {destination}")
