"""``marginface verify``: are two photos of one person?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marginface.cli.options import JsonFlag, MinScore, Mirror, Model, print_json

app = typer.Typer()


@app.command()
def verify(
    first: Annotated[Path, typer.Argument(metavar="FIRST", show_default=False, help="One photo.")],
    second: Annotated[Path, typer.Argument(metavar="SECOND", show_default=False, help="The other photo.")],
    model: Model = "sface",
    fmr: Annotated[
        float, typer.Option(help="How often two different persons may be called the same; the data sets the least.")
    ] = 1e-3,
    calibration: Annotated[
        Path | None,
        typer.Option(show_default=False, help="Thresholds of marginface calibrate, in place of the shipped."),
    ] = None,
    mirror: Mirror = False,
    min_score: MinScore = 0.6,
    as_json: JsonFlag = False,
) -> None:
    """Say whether two photos show the same person, by the largest face in each.

    Exit status: 0 same, 1 different, 3 cannot tell (a photo without a face), 2 an error.
    """
    from marginface.matching.calibration import read_calibration
    from marginface.pipeline import Recognizer

    thresholds = None if calibration is None else read_calibration(calibration)
    recognizer = Recognizer.load(model, mirror=mirror, min_score=min_score, calibration=thresholds)
    answer = recognizer.verify(first, second, fmr=fmr)
    if as_json:
        print_json({"first": str(first), "second": str(second), **answer.to_dict()})
    else:
        typer.echo(answer.explain())
    raise typer.Exit(answer.exit_status)
