"""``marginface data``: what a data set holds, the same in another format, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marginface.cli.data.audit import audit
from marginface.cli.data.bar import image_bar
from marginface.cli.data.options import Label
from marginface.cli.options import write_json

app = typer.Typer(no_args_is_help=True)

Source = Annotated[
    Path,
    typer.Argument(
        show_default=False,
        help="train.rec or its folder, tar shards, Parquet files (a file, a folder, or a pattern such as "
        "'train-*.tar'), a list (.lst, .csv, .tsv, .txt), or a folder with one folder per identity.",
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

    images = open_images(path, label=label)
    with image_bar("Reading") as progress:
        found = survey(images, format_of(path), read=read, progress=progress)
    for line in found.lines():
        typer.echo(line)
    write_json(found.to_dict(), json_file)


@app.command()
def convert(
    source: Source,
    destination: Annotated[
        Path, typer.Argument(show_default=False, help="New folder, or that of an interrupted conversion.")
    ],
    to: Annotated[str, typer.Option("--to", show_default=False, help="folders, recordio, tar or parquet.")],
    label: Label = "",
    per_shard: Annotated[int, typer.Option("--per-shard", help="Images in a file, of tar and parquet.")] = 10_000,
    json_file: JsonFile = None,
) -> None:
    """Write a data set in another format; the encoded images stay as they are, byte for byte.

    Run it again to go on after an interruption. Until all is written, no command takes the folder for data.
    """
    from marginface.data.convert import check_apart
    from marginface.data.convert import convert as convert_images
    from marginface.data.packs import open_images

    check_apart(source, destination)
    images = open_images(source, label=label)
    with image_bar("Converting") as progress:
        done = convert_images(images, destination, to, per_shard=per_shard, progress=progress)
    typer.echo(done.summary())
    write_json(done.to_dict(), json_file)


app.command()(audit)
