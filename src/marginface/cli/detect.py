"""``marginface detect``: find faces in photos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from marginface.cli.options import JsonFlag, MinScore, Photos, print_json
from marginface.defaults import DEFAULT_DETECTOR, DEFAULT_MIN_SCORE
from marginface.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from marginface.cropping import FaceCropper
    from marginface.values import ImageArray

app = typer.Typer()


@app.command()
def detect(
    photos: Photos,
    min_score: MinScore = DEFAULT_MIN_SCORE,
    pad: Annotated[float, typer.Option(help="Border added first, as a fraction of the longer side.")] = 0.0,
    detector: Annotated[str, typer.Option(help="Name of the detector.")] = DEFAULT_DETECTOR,
    show_quality: Annotated[
        bool, typer.Option("--show-quality", help="Say of each face how good it is: size, sharpness, pose, light.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Find the faces in photos: box, five landmarks and score, the largest face first.

    A photo that cannot be read is reported and the others go on. Exit status: 0 done, 2 an error, or such a photo.
    """
    from marginface.cropping import FaceCropper

    cropper = FaceCropper.load(detector, min_score=min_score, pad=pad)
    look = _faces_with_quality if show_quality else _faces
    found = [_faces_in(photo, look, cropper) for photo in photos]
    if as_json:
        print_json(found)
    else:
        for entry in found:
            _show(entry)
    if any("error" in entry for entry in found):
        raise typer.Exit(2)


def _faces_in(
    photo: Path, look: Callable[[ImageArray, FaceCropper], list[dict[str, Any]]], cropper: FaceCropper
) -> dict[str, Any]:
    from marginface.errors import ImageError
    from marginface.images import read_image

    try:
        image = read_image(photo)
    except ImageError as error:
        return {"photo": str(photo), "error": str(error)}
    faces = look(image, cropper)
    return {"photo": str(photo), "width": image.shape[1], "height": image.shape[0], "faces": faces}


def _faces(image: ImageArray, cropper: FaceCropper) -> list[dict[str, Any]]:
    return [face.to_dict() for face in cropper.detect(image)]


def _faces_with_quality(image: ImageArray, cropper: FaceCropper) -> list[dict[str, Any]]:
    from marginface.pipeline import assess
    from marginface.quality import GATES, shortfalls

    return [
        {
            **face.to_dict(),
            "quality": quality.to_dict(),
            "codes": {gate: [one.reason.value for one in shortfalls(quality, gate)] for gate in GATES},
            "reasons": [one.text for one in shortfalls(quality, "standard")],
        }
        for face, quality in assess(image, cropper)
    ]


def _show(entry: dict[str, Any]) -> None:
    if "error" in entry:
        typer.echo(f"marginface: {entry['error']}", err=True)
        return
    typer.echo(f"{entry['photo']} ({entry['width']}×{entry['height']}): {plural(len(entry['faces']), 'face')}")
    for number, face in enumerate(entry["faces"], start=1):
        x1, y1, x2, y2 = (round(value) for value in face["box"])
        typer.echo(f"  {number:>2}. {x2 - x1:>4}×{y2 - y1:<4} px at {x1}, {y1}   score {face['score']:.2f}")
        _show_quality(face)


def _show_quality(face: dict[str, Any]) -> None:
    for name, cue in face.get("quality", {}).items():
        score = "" if cue["score"] is None else f"   score {cue['score']:>3}"
        typer.echo(f"        {name.replace('_', ' '):<27}{cue['value']:>10.4g}{score}")
    for text in face.get("reasons", ()):
        typer.echo(f"        {text}")
