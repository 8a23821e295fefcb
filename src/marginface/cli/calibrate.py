"""``marginface calibrate``: photos of people → thresholds with the false-match rate they hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.bars import progress_bar
from marginface.cli.options import (
    JsonFlag,
    MinScore,
    Mirror,
    Runtime,
    checked_place,
    print_json,
    typed_command,
)
from marginface.cli.tables import print_table
from marginface.defaults import DEFAULT_ENGINE, DEFAULT_MIN_SCORE

if TYPE_CHECKING:
    from marginface.cropping import FaceCropper
    from marginface.evaluation.calibration import CalibrationResult
    from marginface.evaluation.reading import EmbeddingMemory

app = typer.Typer()


@app.command()
def calibrate(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", show_default=False, help="A name, an .onnx file or its card, a run folder."),
    ],
    data: Annotated[
        list[Path],
        typer.Argument(
            metavar="DATA",
            show_default=False,
            help="Folders that hold a folder of photos for each person; of several, photos are compared within each.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", show_default=False, help="The calibration, a TOML file.")],
    fmr: Annotated[
        list[str] | None,
        typer.Option(help="Rates you need, as 1e-3,1e-4; may be repeated; refused if the photos are too few."),
    ] = None,
    description: Annotated[str, typer.Option(help="Whose photos, in words; by default the names of the folders.")] = "",
    exclude: Annotated[
        Path | None, typer.Option(help="People and photos to leave out; marginface data audit writes such a list.")
    ] = None,
    aligned: Annotated[bool, typer.Option("--aligned", help="The images are 112×112 crops already.")] = False,
    face: Annotated[str, typer.Option(help="Which face, if a photo has several: largest, center, or one.")] = "largest",
    min_score: MinScore = DEFAULT_MIN_SCORE,
    mirror: Mirror = False,
    engine: Runtime = DEFAULT_ENGINE,
    report: Annotated[Path | None, typer.Option(help="Write a page here: DET, similarities, all numbers.")] = None,
    memory: Annotated[
        Path | None,
        typer.Option(
            show_default=False,
            help="Keep embeddings in this file, so that a second run is quick. Biometric data: delete it when done.",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Set thresholds on photos of people, a folder each, for verify and identify with this model.

    Every two photos of a folder are compared. FILE then has a threshold for each false-match rate that the impostor
    pairs support (no error in n pairs bounds the rate below 3/n), with bounds that know which pairs share people, and
    holds for this model alone. A photo without a face, or that cannot be read, is counted and left out. Exit status: 0
    done, 2 an error, or the photos do not support a rate of --fmr; FILE is written all the same if they support any.
    """
    from marginface.cropping import FaceCropper
    from marginface.data.crops.exclusions import Exclusions, read_exclusions
    from marginface.embedding import load_embedder
    from marginface.evaluation.calibration import calibrate_photos, people_photos, require_enough_photos
    from marginface.evaluation.calibration.page import write_calibration_page
    from marginface.evaluation.reading import Reader

    wanted = _rates(fmr or [])
    for path in (out, report):
        checked_place(path)
    photos = people_photos(data, read_exclusions(exclude) if exclude is not None else Exclusions())
    require_enough_photos(photos, wanted)
    embedder = load_embedder(model, mirror=mirror, engine=engine)
    whose = description or ", ".join(root.resolve().name for root in data)
    cropper = None if aligned else FaceCropper.load(policy=face, min_score=min_score)
    with progress_bar("Calibrating", "photos") as progress, _memory(memory, cropper, engine) as kept:
        reader = Reader(cropper=cropper, progress=progress, memory=kept)
        result = calibrate_photos(embedder, photos, whose, reader, command=typed_command())
    result.write(out)
    supported = [rate for rate in wanted if rate >= result.calibration.smallest_fmr]
    if report is not None:
        write_calibration_page(result, report, supported)
    if as_json:
        print_json(result.to_dict())
    else:
        _print(result, supported)
        typer.echo(f"Calibration: {out}" + (f", report: {report}" if report is not None else ""))
    for rate in wanted:
        result.calibration.threshold(rate)  # raises what the photos with a face do not support


def _rates(texts: list[str]) -> list[float]:
    """Read the rates, one or several in a text."""
    from marginface.errors import InputError

    try:
        return [float(rate) for text in texts for rate in text.split(",")]
    except ValueError:
        raise InputError(f"--fmr is a list of rates such as 1e-3,1e-4; got {','.join(texts)!r}") from None


@contextmanager
def _memory(path: Path | None, cropper: FaceCropper | None, engine: str) -> Iterator[EmbeddingMemory | None]:
    """Open the file that keeps embeddings, if there is to be one, and close it."""
    from marginface.evaluation.reading import EmbeddingMemory, cropping_of, reading_of

    if path is None:
        yield None
        return
    cropping = "aligned" if cropper is None else cropping_of(cropper)
    with closing(EmbeddingMemory(path, reading_of(cropping, engine))) as kept:
        yield kept


def _print(result: CalibrationResult, fmrs: list[float]) -> None:
    from marginface.evaluation.calibration.page import COLUMNS, calibration_lines, remarks

    calibration = result.calibration
    title = f"{calibration.model}, contract {calibration.contract}"
    print_table(COLUMNS, calibration_lines(calibration, fmrs), title=title)
    for line in remarks(result):
        typer.echo(line)
    for name, reason in list(result.failures.items())[:3]:
        typer.echo(f"    {name}: {reason}")
