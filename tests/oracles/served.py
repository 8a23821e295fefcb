"""What the tests of the service send: photos of red faces, and bytes that kill their decoder."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from io import BytesIO

from PIL import Image
from starlette.testclient import TestClient

from marginface.server.photos.decoding import decode_here
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


def decode_or_die(content: bytes, pixels: int) -> object:
    """Stand in for decode_here: some contents crash the process, hang it, or want more memory than there is."""
    if content == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if content == b"hang":
        time.sleep(60)
    if content == b"eat":
        return len(bytes(8 << 30))
    return decode_here(content, pixels)
