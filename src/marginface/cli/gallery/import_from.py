"""``marginface gallery import-from``: people of deepface, InsightFace or CompreFace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.gallery.enrol import enrolled
from marginface.cli.gallery.options import InCollection, KeyFile, Where, opened
from marginface.cli.options import JsonFlag, Mirror, Model, Runtime, WhichFace, Workers, print_json
from marginface.cli.recognizing import recognizer_for
from marginface.defaults import DEFAULT_ENGINE, DEFAULT_MIN_SCORE, DEFAULT_MODEL, DEFAULT_WORKERS, ENROLMENT_GATE

if TYPE_CHECKING:
    from marginface.enrolment import EnrolReport, EnrolSettings, ImportReport, PersonPhoto
    from marginface.gallery import Gallery
    from marginface.pipeline import Recognizer

_TAKES = ("photos", "vectors")


def import_from(
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", show_default=False, help="deepface, insightface or compreface.")
    ],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", show_default=False, help="What the system kept; it is not changed.")
    ],
    where: Where,
    take: Annotated[
        str,
        typer.Option(
            help="photos: enrol the photos that the file holds or names, by --model. vectors: take over the vectors, "
            "which only the model that made them can search."
        ),
    ] = "photos",
    photos: Annotated[
        Path | None, typer.Option("--photos", metavar="DIR", help="Where the photos that the file names are now.")
    ] = None,
    made_by: Annotated[
        str, typer.Option(metavar="MODEL", help="What made the vectors, where the file does not say it.")
    ] = "",
    collection: InCollection = "",
    face: WhichFace = "one",
    quality: Annotated[
        str, typer.Option("--quality", help="Of photos: off, usable, standard, strict.")
    ] = ENROLMENT_GATE,
    keep_crops: Annotated[
        bool, typer.Option("--keep-crops", help="Of photos: keep the aligned faces, sealed.")
    ] = False,
    model: Model = DEFAULT_MODEL,
    mirror: Mirror = False,
    engine: Runtime = DEFAULT_ENGINE,
    workers: Workers = DEFAULT_WORKERS,
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Take over the people of another system. No pickle is run: that of old deepface goes through a reader of its own.

    Vectors of another model go into a collection of their own, --collection or the name of the system. Run it again to
    go on after an interruption. Exit status: 0 every face is in the gallery, 3 some are not, 2 an error.
    """
    from marginface.enrolment import IMPORTERS, EnrolSettings, import_vectors
    from marginface.errors import InputError

    if take not in _TAKES:
        raise InputError(f"--take is {' or '.join(_TAKES)}; got {take!r}")
    settings = EnrolSettings(face, quality, keep_crops, workers=workers)
    report: ImportReport | EnrolReport
    with opened(where, key_file) as gallery:
        found = IMPORTERS[system](file, made_by)
        if take == "vectors":
            report = import_vectors(gallery, found, collection or system)
        else:
            recognizer = recognizer_for(model, None, mirror=mirror, min_score=DEFAULT_MIN_SCORE, engine=engine)
            report = _photos_enrolled(gallery, collection, recognizer, settings, found.photos(photos), as_json=as_json)
    print_json(report.to_dict()) if as_json else typer.echo(report.explain())
    raise typer.Exit(report.exit_status)


def _photos_enrolled(
    gallery: Gallery,
    collection: str,
    recognizer: Recognizer,
    settings: EnrolSettings,
    photos: list[PersonPhoto],
    *,
    as_json: bool,
) -> EnrolReport:
    from marginface.enrolment import Enroller, FolderOfPeople, collection_for
    from marginface.errors import InputError

    if not any(photo.content or photo.path.is_file() for photo in photos):
        raise InputError(
            "none of the photos that this file names is there: say where they are by --photos DIR, or take over the "
            "vectors, which only the model that made them can search: --take vectors"
        )
    enroller = Enroller(collection_for(gallery, collection, recognizer), recognizer, settings)
    return enrolled(enroller, FolderOfPeople(tuple(photos), ()), as_json=as_json)
