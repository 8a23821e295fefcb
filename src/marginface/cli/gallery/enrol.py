"""``marginface gallery enrol``: photos of people → faces in a gallery."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.bars import progress_bar
from marginface.cli.gallery.options import InCollection, KeyFile, Where, opened
from marginface.cli.options import (
    CalibrationFile,
    JsonFlag,
    MinScore,
    Mirror,
    Model,
    Runtime,
    WhichFace,
    Workers,
    print_json,
)
from marginface.cli.recognizing import recognizer_for
from marginface.defaults import (
    DEFAULT_ENGINE,
    DEFAULT_FPIR,
    DEFAULT_MIN_SCORE,
    DEFAULT_MODEL,
    DEFAULT_WORKERS,
    ENROLMENT_GATE,
)

if TYPE_CHECKING:
    from marginface.enrolment import Enroller, EnrolReport, FolderOfPeople, PhotoOutcome


def enrol(
    where: Where,
    name: Annotated[
        str, typer.Argument(metavar="NAME", show_default=False, help="Whose photos they are, without --folder.")
    ] = "",
    photos: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PHOTO", show_default=False, readable=False, help="Photos, or folders of them."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", show_default=False, help="A folder for each person, by name."),
    ] = None,
    collection: InCollection = "",
    face: WhichFace = "one",
    quality: Annotated[
        str, typer.Option("--quality", help="Faces below it are refused: off, usable, standard, strict.")
    ] = ENROLMENT_GATE,
    keep_crops: Annotated[
        bool, typer.Option("--keep-crops", help="Keep the aligned faces, sealed, so that 'migrate' can use them.")
    ] = False,
    refuse_lookalikes: Annotated[
        bool, typer.Option("--refuse-lookalikes", help="Refuse a face that a search would take for another person.")
    ] = False,
    fpir: Annotated[float, typer.Option(help="Of the searches that look-alikes are found by.")] = DEFAULT_FPIR,
    consent: Annotated[str, typer.Option(metavar="TEXT", help="How and when the people agreed.")] = "",
    purpose: Annotated[str, typer.Option(metavar="TEXT", help="What they are enrolled for.")] = "",
    keep_until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day; 'purge' erases after it.")
    ] = None,
    model: Model = DEFAULT_MODEL,
    calibration: CalibrationFile = None,
    mirror: Mirror = False,
    min_score: MinScore = DEFAULT_MIN_SCORE,
    engine: Runtime = DEFAULT_ENGINE,
    workers: Workers = DEFAULT_WORKERS,
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Enrol people: photos of one person, or a folder with a folder for each. Each photo has an outcome with reasons.

    What was finished is kept, however it ends; the same command again does only what is new. A photo that the person
    has already is one face. Exit status: 0 the face of every photo is in the gallery, 3 some are not, 2 an error.
    """
    from marginface.enrolment import Enroller, EnrolSettings, collection_for
    from marginface.gallery import About, last_day

    about = About(consent, purpose, last_day(keep_until.date() if keep_until else None))
    settings = EnrolSettings(face, quality, keep_crops, refuse_lookalikes, fpir, about, workers)
    wanted = _wanted(name, photos or [], folder)
    with opened(where, key_file) as gallery:
        recognizer = recognizer_for(model, calibration, mirror=mirror, min_score=min_score, engine=engine)
        enroller = Enroller(collection_for(gallery, collection, recognizer), recognizer, settings)
        report = enrolled(enroller, wanted, as_json=as_json)
    print_json(report.to_dict()) if as_json else typer.echo(report.explain())
    raise typer.Exit(report.exit_status)


def _wanted(name: str, photos: list[Path], folder: Path | None) -> FolderOfPeople:
    from marginface.enrolment import FolderOfPeople, folder_of_people, photos_of
    from marginface.errors import InputError

    if folder is not None:
        if name or photos:
            raise InputError(f"--folder {folder} has the names and the photos; leave out {name or photos[0]!r}")
        return folder_of_people(folder)
    if not name or not photos:
        raise InputError("say whom and from what: GALLERY NAME PHOTO..., or GALLERY --folder DIR")
    return FolderOfPeople(photos_of(name, photos), ())


def enrolled(enroller: Enroller, wanted: FolderOfPeople, *, as_json: bool) -> EnrolReport:
    """Enrol with a bar, and say at once what went wrong or should be looked at; with JSON say nothing."""
    total = len(wanted.photos)
    with progress_bar("Enrolling", "photos") as bar:

        def progress(outcome: PhotoOutcome, done: int) -> None:
            bar(done, total)
            if not as_json and (not outcome or outcome.is_warning):
                typer.echo(outcome.explain())

        return enroller.enrol(wanted.photos, without_photos=wanted.without_photos, progress=progress)
