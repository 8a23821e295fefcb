"""``marginface cluster``: a folder of photos of unknown people → groups, pages to look at, named folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.bars import progress_bar
from marginface.cli.options import (
    CalibrationFile,
    Gate,
    JsonFlag,
    MinScore,
    Mirror,
    Model,
    Runtime,
    Workers,
    make_folder,
    print_json,
)
from marginface.cli.recognizing import recognizer_for
from marginface.defaults import (
    DEFAULT_CLUSTER_FPIR,
    DEFAULT_ENGINE,
    DEFAULT_GATE,
    DEFAULT_MIN_SCORE,
    DEFAULT_MODEL,
    DEFAULT_WORKERS,
)
from marginface.words import plural

if TYPE_CHECKING:
    from marginface.grouping import Copied
    from marginface.pipeline import Clusters, Recognizer

app = typer.Typer()

_SHOWN = 3  # photos without a face that are named on the terminal


@app.command()
def cluster(
    photos: Annotated[Path, typer.Argument(metavar="DIR", show_default=False, help="Folder of photos, and below it.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", show_default=False, help="For pages and record.")],
    names: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv", show_default=False, help="names.csv of an earlier run, filled in: no photo is searched."
        ),
    ] = None,
    copy_to: Annotated[
        Path | None,
        typer.Option(metavar="DIR", show_default=False, help="Write a folder of photos for each person there."),
    ] = None,
    fpir: Annotated[
        float,
        typer.Option(help="How often a face that is alone may find another as similar as groups need to be."),
    ] = DEFAULT_CLUSTER_FPIR,
    threshold: Annotated[
        float | None, typer.Option(help="Join groups at this mean similarity instead.", show_default=False)
    ] = None,
    quality: Gate = DEFAULT_GATE,
    model: Model = DEFAULT_MODEL,
    calibration: CalibrationFile = None,
    mirror: Mirror = False,
    min_score: MinScore = DEFAULT_MIN_SCORE,
    engine: Runtime = DEFAULT_ENGINE,
    workers: Workers = DEFAULT_WORKERS,
    as_json: JsonFlag = False,
) -> None:
    """Group the faces of a folder of photos by who they may be.

    OUT/groups.html shows the groups, OUT/groups.json records them, OUT/names.csv waits for their names. With names
    filled in, the same command with --names OUT/names.csv --copy-to PEOPLE writes a folder per person. The pages and
    the folders show people's faces: delete them when you are done.

    Exit status: 0 done; 2 an error, or a photo to copy could not be read.
    """
    from marginface.errors import InputError
    from marginface.grouping import check_copies, check_unnamed, copy_people, numbered, read_names, read_record
    from marginface.images import require_images

    if names is not None and copy_to is None:
        raise InputError("names are written as folders: say where, --copy-to DIR")
    if names is not None and copy_to is not None:
        _say(copy_people(read_record(out), read_names(names), photos, copy_to), copy_to, as_json=as_json)
        return
    check_unnamed(out)
    if copy_to is not None:
        check_copies(photos, copy_to)
    files = require_images(photos)
    recognizer = recognizer_for(model, calibration, mirror=mirror, min_score=min_score, engine=engine)
    make_folder(out)
    found = _clusters(recognizer, files, fpir, threshold, quality, workers)
    _write(found, photos, out, as_json=as_json)
    if copy_to is not None:
        record = read_record(out)
        _say(copy_people(record, numbered(record, copy_to), photos, copy_to), copy_to, as_json=False, err=as_json)


def _clusters(
    recognizer: Recognizer, files: list[Path], fpir: float, threshold: float | None, quality: str, workers: int
) -> Clusters:
    with progress_bar("Looking for faces", "photos") as progress:
        return recognizer.cluster(
            files,
            fpir=fpir,
            similarity=threshold,
            quality=quality,
            workers=workers,
            progress=lambda done: progress(done, len(files)),
        )


def _write(found: Clusters, photos: Path, out: Path, *, as_json: bool) -> None:
    from marginface.grouping import record_of, write_names, write_record, write_sheets

    record = record_of(found, photos)
    written, names, pages = write_record(record, out), write_names(found, photos, out), write_sheets(found, out)
    if as_json:
        print_json(record)
        return
    counts, origin, *reasons = found.explain().splitlines()
    more = [f"… and {len(reasons) - _SHOWN:,} more, all in {written}"] if len(reasons) > _SHOWN else []
    others = f" and {plural(len(pages) - 1, 'more page')}" if len(pages) > 1 else ""
    where = f"Look at {pages[0]}{others}; names go into {names}; the record is {written}"
    typer.echo("\n".join([counts, origin, *reasons[:_SHOWN], *more, where]))


def _say(copied: Copied, destination: Path, *, as_json: bool, err: bool = False) -> None:
    if as_json:
        print_json(copied.to_dict())
    else:
        typer.echo(f"{destination}: {copied.summary()}", err=err)
    if copied.failed:
        raise typer.Exit(2)
