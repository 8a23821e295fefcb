"""Aligned faces as pictures for a page."""

from __future__ import annotations

import base64
from io import BytesIO

from PIL import Image

from marginface.alignment import align
from marginface.errors import InputError
from marginface.values import Face, ImageArray


def crop_url(image: ImageArray, face: Face) -> str | None:
    """Return the aligned face as a data: URL of a PNG; None where the landmarks form none."""
    try:
        crop = align(image, face.landmarks)
    except InputError:
        return None
    stream = BytesIO()
    Image.fromarray(crop).save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
