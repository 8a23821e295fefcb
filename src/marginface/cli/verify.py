"""``marginface verify``: are two photos of one person?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marginface.cli.options import (
    CalibrationFile,
    Fmr,
    Gate,
    JsonFlag,
    MinScore,
    Mirror,
    Model,
    Runtime,
    UncertainFmr,
    WhichFace,
    print_json,
)
from marginface.cli.recognizing import recognizer_for
from marginface.defaults import DEFAULT_ENGINE, DEFAULT_FMR, DEFAULT_GATE, DEFAULT_MIN_SCORE, DEFAULT_MODEL

app = typer.Typer()


@app.command()
def verify(
    first: Annotated[Path, typer.Argument(metavar="FIRST", show_default=False, help="One photo.")],
    second: Annotated[Path, typer.Argument(metavar="SECOND", show_default=False, help="The other photo.")],
    model: Model = DEFAULT_MODEL,
    fmr: Fmr = DEFAULT_FMR,
    uncertain_fmr: UncertainFmr = None,
    calibration: CalibrationFile = None,
    face: WhichFace = "largest",
    quality: Gate = DEFAULT_GATE,
    mirror: Mirror = False,
    min_score: MinScore = DEFAULT_MIN_SCORE,
    engine: Runtime = DEFAULT_ENGINE,
    as_json: JsonFlag = False,
) -> None:
    """Say whether two photos show the same person, by the largest face in each.

    With --json the quality of both faces, the boxes and the reason codes are printed too. Exit status: 0 same, 1
    different, 3 cannot tell (no face, a face too poor, or a similarity in the uncertain range), 2 an error.
    """
    recognizer = recognizer_for(model, calibration, mirror=mirror, min_score=min_score, engine=engine)
    answer = recognizer.verify(first, second, fmr=fmr, uncertain_fmr=uncertain_fmr, faces=face, quality=quality)
    if as_json:
        print_json({"first": str(first), "second": str(second), **answer.to_dict()})
    else:
        typer.echo(answer.explain())
    raise typer.Exit(answer.exit_status)
