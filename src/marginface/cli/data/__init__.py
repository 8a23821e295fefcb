"""``marginface data``: what a data set holds, the same in another format, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.data.audit import audit
from marginface.cli.data.bar import image_bar
from marginface.cli.data.options import Label
from marginface.cli.options import Address, EngineName, Workers, write_json
from marginface.defaults import DEFAULT_WORKERS, PER_SHARD

if TYPE_CHECKING:
    from marginface.batch import BatchReport
    from marginface.data.convert import Conversion

app = typer.Typer(no_args_is_help=True)

Source = Annotated[
    str,
    typer.Argument(
        show_default=False,
        help="train.rec or its folder, tar shards, Parquet files (a file, a folder, or a pattern such as "
        "'train-*.tar'), a list (.lst, .csv, .tsv, .txt), or a folder with one folder per identity; a path, or a URL "
        "such as s3://bucket/photos.",
    ),
]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers here as JSON.")]


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
    json_file: JsonFile = None,
) -> None:
    """Say what a data set is: identities, images, sizes, what cannot be read, and what does not fit the data.

    What reading finds is kept in the cache, so that a training that opens the same files does not read them again.
    """
    from marginface.data.packs import format_of, open_images
    from marginface.data.survey import survey
    from marginface.locations import location

    place = location(path)
    images = open_images(place, label=label)
    with image_bar("Reading") as progress:
        found = survey(images, format_of(place), read=read, progress=progress)
    for line in found.lines():
        typer.echo(line)
    write_json(found.to_dict(), json_file)


@app.command()
def convert(
    source: Source,
    destination: Annotated[
        str,
        typer.Argument(show_default=False, help="New folder or URL, or that of an interrupted conversion."),
    ],
    to: Annotated[str, typer.Option("--to", show_default=False, help="folders, recordio, tar or parquet.")],
    label: Label = "",
    per_shard: Annotated[int, typer.Option("--per-shard", help="Images in a file, of tar and parquet.")] = PER_SHARD,
    engine: EngineName = "local",
    address: Address = "",
    workers: Workers = DEFAULT_WORKERS,
    json_file: JsonFile = None,
) -> None:
    """Write a data set in another format; the encoded images stay as they are, byte for byte.

    Run it again to go on after an interruption. Until all is written, no command takes the folder for data.
    Tar and parquet can go to a store (s3://bucket/shards), and be written by many machines (--engine ray).
    """
    from marginface.batch import ENGINES, run
    from marginface.batch.copying import Copying
    from marginface.data.convert import check_apart
    from marginface.data.convert import convert as convert_images
    from marginface.data.packs import open_images
    from marginface.locations import is_remote, location

    source_place, place = location(source), location(destination)
    maker = ENGINES[engine](workers, address)
    check_apart(source_place, place)
    images = open_images(source_place, label=label)
    with image_bar("Converting") as progress:
        if engine == "local" and not is_remote(place):
            done: Conversion | BatchReport = convert_images(images, place, to, per_shard=per_shard, progress=progress)
        else:
            done = run(
                images,
                Copying(),
                place,
                to,
                engine=maker,
                source=source,
                per_shard=per_shard,
                progress=progress,
            )
    typer.echo(done.summary())
    write_json(done.to_dict(), json_file)


app.command()(audit)
