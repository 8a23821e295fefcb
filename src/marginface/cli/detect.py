"""``marginface detect``: find faces in photos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from marginface.cli.options import JsonFlag, MinScore, Photos, plural, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from marginface.cropping import FaceCropper

app = typer.Typer()


@app.command()
def detect(
    photos: Photos,
    min_score: MinScore = 0.6,
    pad: Annotated[float, typer.Option(help="Border added first, as a fraction of the longer side.")] = 0.0,
    detector: Annotated[str, typer.Option(help="Name of the detector.")] = "yunet",
    as_json: JsonFlag = False,
) -> None:
    """Find the faces in photos: box, five landmarks and score, the largest face first.

    A photo that cannot be read is reported and the others go on; the exit status is then 2.
    """
    from marginface.cropping import FaceCropper

    cropper = FaceCropper.load(detector, min_score=min_score, pad=pad)
    found = [_faces_in(photo, cropper) for photo in photos]
    if as_json:
        print_json(found)
    else:
        for entry in found:
            _show(entry)
    if any("error" in entry for entry in found):
        raise typer.Exit(2)


def _faces_in(photo: Path, cropper: FaceCropper) -> dict[str, Any]:
    from marginface.errors import ImageError
    from marginface.images import read_image

    try:
        image = read_image(photo)
    except ImageError as error:
        return {"photo": str(photo), "error": str(error)}
    faces = [face.to_dict() for face in cropper.detect(image)]
    return {"photo": str(photo), "width": image.shape[1], "height": image.shape[0], "faces": faces}


def _show(entry: dict[str, Any]) -> None:
    if "error" in entry:
        typer.echo(f"marginface: {entry['error']}", err=True)
        return
    typer.echo(f"{entry['photo']} ({entry['width']}×{entry['height']}): {plural(len(entry['faces']), 'face')}")
    for number, face in enumerate(entry["faces"], start=1):
        x1, y1, x2, y2 = (round(value) for value in face["box"])
        typer.echo(f"  {number:>2}. {x2 - x1:>4}×{y2 - y1:<4} px at {x1}, {y1}   score {face['score']:.2f}")
