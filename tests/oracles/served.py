"""What the tests of the service send: photos of red faces."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from PIL import Image
from starlette.testclient import TestClient

from marginface.server.settings import ServerSettings
from oracles.enrolments import FACE
from oracles.red_faces import photo_with_faces

Start = Callable[[ServerSettings], TestClient]
MakeKey = Callable[..., dict[str, str]]


def png_of(blue: int, *boxes: tuple[int, int, int, int]) -> bytes:
    """Return a photo of one person (the shade of blue says who), as the bytes of a PNG."""
    stream = BytesIO()
    Image.fromarray(photo_with_faces(*(boxes or (FACE,)), blue=blue)).save(stream, "PNG")
    return stream.getvalue()
