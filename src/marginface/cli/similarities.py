"""``marginface similarities``: the faces of photos, each with each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from marginface.cli.options import (
    CalibrationFile,
    Fmr,
    Gate,
    JsonFlag,
    MinScore,
    Mirror,
    Model,
    Photos,
    Runtime,
    UncertainFmr,
    WhichFaces,
    Workers,
    print_json,
)
from marginface.cli.recognizing import recognizer_for
from marginface.defaults import (
    DEFAULT_ENGINE,
    DEFAULT_FMR,
    DEFAULT_GATE,
    DEFAULT_MIN_SCORE,
    DEFAULT_MODEL,
    DEFAULT_WORKERS,
)
from marginface.words import decimal

if TYPE_CHECKING:
    from marginface.pipeline import Comparisons

app = typer.Typer()

_MARKS = {"same": "=", "different": " ", "cannot tell": "?"}


@app.command()
def similarities(
    photos: Photos,
    model: Model = DEFAULT_MODEL,
    fmr: Fmr = DEFAULT_FMR,
    uncertain_fmr: UncertainFmr = None,
    calibration: CalibrationFile = None,
    face: WhichFaces = "all",
    quality: Gate = DEFAULT_GATE,
    mirror: Mirror = False,
    min_score: MinScore = DEFAULT_MIN_SCORE,
    workers: Workers = DEFAULT_WORKERS,
    engine: Runtime = DEFAULT_ENGINE,
    as_json: JsonFlag = False,
) -> None:
    """Compare the faces of photos, each with each: similarities, = where two are the same, ? where it cannot be told.

    The rate is that of one comparison: among many pairs some are called the same by chance, and it is said how many.
    Exit status: 0 done, 2 a photo could not be read, or gave no face; the others are compared.
    """
    recognizer = recognizer_for(model, calibration, mirror=mirror, min_score=min_score, engine=engine)
    table = recognizer.compare_all(
        photos, fmr=fmr, uncertain_fmr=uncertain_fmr, faces=face, quality=quality, workers=workers
    )
    if as_json:
        print_json(table.to_dict())
    else:
        _show(table)
    if not all(photo.faces for photo in table.photos):
        raise typer.Exit(2)


def _show(table: Comparisons) -> None:
    numbers = range(len(table))
    for number, face in enumerate(table.faces, start=1):
        box = face.used.face.box
        typer.echo(f"{number:>3}  {face.name}  {box.width:.0f}×{box.height:.0f} px at {box.x1:.0f}, {box.y1:.0f}")
    typer.echo("     " + "".join(f"{number + 1:>8}" for number in numbers))
    for row in numbers:
        cells = [_cell(table, row, column) for column in numbers]
        typer.echo(f"{row + 1:>3}  " + "".join(cells))
    typer.echo(table.explain())


def _cell(table: Comparisons, row: int, column: int) -> str:
    if row == column:
        return f"{'·':>7} "
    return f"{decimal(table.similarities[row, column]):>7}{_MARKS[table.decision(row, column).value]}"
