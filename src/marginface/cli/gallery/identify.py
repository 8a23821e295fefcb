"""``marginface gallery identify``: who of a gallery is in photos?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.gallery.options import InCollection, KeyFile, Where, opened
from marginface.cli.options import (
    CalibrationFile,
    Fpir,
    Gate,
    JsonFlag,
    MinScore,
    Mirror,
    Model,
    Photos,
    Runtime,
    UncertainFpir,
    WhichFaces,
    Workers,
    print_json,
)
from marginface.cli.recognizing import recognizer_for
from marginface.defaults import (
    DEFAULT_CANDIDATES,
    DEFAULT_ENGINE,
    DEFAULT_FPIR,
    DEFAULT_GATE,
    DEFAULT_MIN_SCORE,
    DEFAULT_MODEL,
    DEFAULT_WORKERS,
)

if TYPE_CHECKING:
    from marginface.enrolment import PhotoAnswer


def identify(
    where: Where,
    photos: Photos,
    fpir: Fpir = DEFAULT_FPIR,
    uncertain_fpir: UncertainFpir = None,
    most: Annotated[
        int, typer.Option("--most", metavar="N", help="Candidates to list for a face.")
    ] = DEFAULT_CANDIDATES,
    collection: InCollection = "",
    face: WhichFaces = "all",
    quality: Gate = DEFAULT_GATE,
    model: Model = DEFAULT_MODEL,
    calibration: CalibrationFile = None,
    mirror: Mirror = False,
    min_score: MinScore = DEFAULT_MIN_SCORE,
    engine: Runtime = DEFAULT_ENGINE,
    workers: Workers = DEFAULT_WORKERS,
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Say who of a gallery is in photos: for each face a match, no match, or cannot tell.

    The threshold is set anew for each search: the more faces are enrolled, the higher it is. Exit status: 0 every photo
    has a match, 1 one has none, 3 of one it cannot be told (no face, too poor, between the thresholds), 2 an error or a
    photo that cannot be read; of several the first of 2, 3, 1 that holds.
    """
    from marginface.enrolment import SearchSettings, exit_status, identify_each, require_contract

    settings = SearchSettings(fpir, uncertain_fpir, most, face, quality, workers)
    with opened(where, key_file) as gallery:
        chosen = gallery.collection(collection)
        recognizer = recognizer_for(model, calibration, mirror=mirror, min_score=min_score, engine=engine)
        require_contract(where, chosen, recognizer)
        answers: list[PhotoAnswer] = []
        for answer in identify_each(recognizer, chosen, photos, settings):
            if not as_json:
                typer.echo(answer.explain_after(answers))
            answers.append(answer)
    if as_json:
        print_json([answer.to_dict() for answer in answers])
    raise typer.Exit(exit_status(answers))
