"""``marginface cluster``: a folder of photos of unknown people → groups, pages to look at, named folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.options import (
    JsonFlag,
    MinScore,
    Mirror,
    Model,
    Workers,
    make_folder,
    plural,
    print_json,
    progress_bar,
)

if TYPE_CHECKING:
    from marginface.grouping import Copied, FaceFinder, Grouping

app = typer.Typer()


@app.command()
def cluster(
    photos: Annotated[
        Path, typer.Argument(metavar="DIR", show_default=False, help="Folder of photos, with those in it.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", show_default=False, help="For pages and record.")],
    names: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="names.csv of an earlier run, filled in: nothing is grouped anew."),
    ] = None,
    copy_to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a folder of photos for each person there.")
    ] = None,
    model: Model = "sface",
    fmr: Annotated[
        float, typer.Option(help="Groups are joined at the threshold that the model has for this false-match rate.")
    ] = 1e-3,
    threshold: Annotated[
        float | None, typer.Option(help="Join groups at this mean similarity instead.", show_default=False)
    ] = None,
    mirror: Mirror = False,
    min_score: MinScore = 0.6,
    min_size: Annotated[int, typer.Option(help="Pixels of a face below which it is left out.")] = 40,
    workers: Workers = 2,
    as_json: JsonFlag = False,
) -> None:
    """Group the faces of a folder of photos by who they may be.

    OUT/groups.html shows the groups, OUT/groups.json records them, OUT/names.csv waits for their names. With names
    filled in, the same command with --names OUT/names.csv --copy-to PEOPLE writes a folder per person. The pages and
    the folders show people's faces: delete them when you are done.

    Exit status: 0 done; 2 an error, or a photo to copy could not be read.
    """
    from marginface.errors import InputError
    from marginface.grouping import (
        check_unnamed,
        copy_people,
        numbered,
        read_names,
        read_record,
        write_names,
        write_sheets,
    )

    if names is not None and copy_to is None:
        raise InputError("names are written as folders: say where, --copy-to DIR")
    if names is not None and copy_to is not None:
        _say(copy_people(read_record(out), read_names(names), photos, copy_to), copy_to, as_json=as_json)
        return
    check_unnamed(out)
    finder = _finder(model, min_score, min_size, mirror=mirror)
    made = _grouping(photos, finder, fmr, threshold, workers)
    written = [made.write(make_folder(out)), write_names(made, out), *write_sheets(made, out)]
    print_json(made.to_dict()) if as_json else _show(made, written)
    if copy_to is not None:
        record = read_record(out)
        _say(copy_people(record, numbered(record), photos, copy_to), copy_to, as_json=False, err=as_json)


def _finder(model: str, min_score: float, min_size: int, *, mirror: bool) -> FaceFinder:
    from marginface.cropping import FaceCropper
    from marginface.embedding import load_embedder
    from marginface.grouping import FaceFinder

    return FaceFinder(FaceCropper.load(min_score=min_score), load_embedder(model, mirror=mirror), min_size)


def _grouping(photos: Path, finder: FaceFinder, fmr: float, threshold: float | None, workers: int) -> Grouping:
    from marginface.grouping import group_faces

    at, origin = (threshold, "as asked for") if threshold is not None else _threshold(finder, fmr)
    with progress_bar("Looking for faces", "photos") as progress:
        found = finder.find(photos, workers=workers, progress=progress)
    return group_faces(found, at, folder=str(photos), origin=origin, contract=finder.embedder.contract.id)


def _threshold(finder: FaceFinder, fmr: float) -> tuple[float, str]:
    known = finder.embedder.card.threshold(fmr)
    return known.similarity, f"false-match rate {known.fmr:g} on {known.data}"


def _show(made: Grouping, written: list[Path]) -> None:
    record, names, page, *more = written
    others = f" and {plural(len(more), 'more page')}" if more else ""
    typer.echo(made.summary())
    typer.echo(f"Look at {page}{others}; names go into {names}; the record is {record}")


def _say(copied: Copied, destination: Path, *, as_json: bool, err: bool = False) -> None:
    if as_json:
        print_json(copied.to_dict())
    else:
        typer.echo(f"{destination}: {copied.summary()}", err=err)
    if copied.failed:
        raise typer.Exit(2)
