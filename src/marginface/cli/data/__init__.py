"""``marginface data``: what a data set holds, the same in another format, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.bars import progress_bar
from marginface.cli.data.audit import audit
from marginface.cli.data.options import Label
from marginface.cli.options import (
    Address,
    BatchWorkers,
    ExecutorName,
    JsonFlag,
    NumbersFile,
    deliver,
    executor_of,
    typed_command,
)
from marginface.defaults import DEFAULT_WORKERS, PER_SHARD

if TYPE_CHECKING:
    from marginface.batch import BatchReport
    from marginface.data.convert import Conversion

app = typer.Typer(no_args_is_help=True)

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        show_default=False,
        help="train.rec or its folder, tar shards, Parquet files (a file, a folder, or a pattern such as "
        "'train-*.tar'), a list (.lst, .csv, .tsv, .txt), or a folder with one folder per identity; a path, or a URL "
        "such as s3://bucket/photos.",
    ),
]


@app.callback()
def _data() -> None:
    """Look at training data, convert it, and find what is wrong with it."""


@app.command()
def inspect(
    path: Source,
    label: Label = "",
    read: Annotated[
        bool, typer.Option("--read/--index-only", help="Read and decode every image, or look at the index alone.")
    ] = True,
    out: NumbersFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Say what a data set is: identities, images, sizes, what cannot be read, and what does not fit the data.

    What reading finds is kept in the cache, so that a training that opens the same files does not read them again.
    """
    from marginface.data.images.survey import survey
    from marginface.data.packs import format_of, open_images
    from marginface.locations import location

    place = location(path)
    images = open_images(place, label=label)
    with progress_bar("Reading", "images") as progress:
        found = survey(images, format_of(place), read=read, progress=progress)
    deliver(found.to_dict(), out, as_json=as_json, show=lambda: typer.echo("\n".join(found.lines())))


@app.command()
def convert(
    source: Source,
    destination: Annotated[
        str,
        typer.Argument(
            metavar="DESTINATION",
            show_default=False,
            help="New folder or URL, or that of an interrupted conversion.",
        ),
    ],
    to: Annotated[str, typer.Option("--format", show_default=False, help="folders, recordio, tar or parquet.")],
    label: Label = "",
    per_shard: Annotated[int, typer.Option("--per-shard", help="Images in a file, of tar and parquet.")] = PER_SHARD,
    executor: ExecutorName = "local",
    address: Address = "",
    workers: BatchWorkers = DEFAULT_WORKERS,
    out: NumbersFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a data set in another format; the encoded images stay as they are, byte for byte.

    Run it again to go on after an interruption. Until all is written, no command takes the folder for data.
    Tar and parquet can go to a store (s3://bucket/shards), and be written by many machines (--engine ray).
    """
    from marginface.batch import run
    from marginface.batch.copying import Copying
    from marginface.data.convert import check_apart
    from marginface.data.convert import convert as convert_images
    from marginface.data.packs import open_images
    from marginface.locations import is_remote, location

    source_place, place = location(source), location(destination)
    maker = executor_of(executor, workers, address)
    check_apart(source_place, place)
    images = open_images(source_place, label=label)
    with progress_bar("Converting", "images") as progress:
        if executor == "local" and not is_remote(place):
            done: Conversion | BatchReport = convert_images(
                images, place, to, per_shard=per_shard, command=typed_command(), progress=progress
            )
        else:
            done = run(
                images,
                Copying(),
                place,
                to,
                executor=maker,
                per_shard=per_shard,
                command=typed_command(),
                progress=progress,
            )
    deliver(done.to_dict(), out, as_json=as_json, show=lambda: typer.echo(done.summary()))


app.command()(audit)
