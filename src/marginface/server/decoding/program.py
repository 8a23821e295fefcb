"""The program that turns bytes into pixels: ``python -m marginface.server.decoding.program MEMORY SECONDS``.

    request   how many pixels a photo may have, how many bytes it is, the bytes
    answer    READY, once; then for each request IMAGE, height, width and the pixels, or REFUSED or TOO_LARGE, 0, the
              length of a text and the text

Requests come on standard input, answers go to standard output, and both are numbers, text and pixels: nothing that
comes from here is ever code for who reads it. Before the first photo the program gives up what it does not need: it can
open no file and no connection, write no file, and have no more than MEMORY bytes. What a hostile photo may do with it
is spend SECONDS, and die.
"""

from __future__ import annotations

import os
import platform
import resource
import signal
import struct
import sys
from io import BytesIO

from PIL import Image, ImageCms

from marginface.errors import ImageError, ImageTooLarge
from marginface.images import read_image

REQUEST = struct.Struct(">QQ")  # pixels, bytes
ANSWER = struct.Struct(">cII")  # what it is; height and width, or 0 and the length of a text
READY, IMAGE, REFUSED, TOO_LARGE = b"r", b"i", b"u", b"l"
LONGEST_TEXT = 4000  # bytes
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF", "JPEG2000")


def main(memory: int, seconds: float) -> None:
    """Answer requests until there are no more."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no answer
    warm_up()
    confine(memory)
    _write(answers, ANSWER.pack(READY, 0, 0))
    while head := _read(0, REQUEST.size):
        pixels, size = REQUEST.unpack(head)
        content = _read(0, size)
        signal.setitimer(signal.ITIMER_REAL, seconds)  # if nobody is there any more to kill it
        parts = answer_to(content, pixels)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for part in parts:
            _write(answers, part)


def answer_to(content: bytes, pixels: int) -> tuple[bytes | memoryview, ...]:
    """Return the parts of the answer about one photo."""
    try:
        image = read_image(content, max_pixels=pixels)
    except ImageTooLarge as error:
        return _text(TOO_LARGE, error)
    except ImageError as error:
        return _text(REFUSED, error)
    return ANSWER.pack(IMAGE, image.shape[0], image.shape[1]), image.data.cast("B")


def warm_up() -> None:
    """Decode a small photo of each format, so that nothing has to be opened for the next one."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind in _FORMATS:
        stream = BytesIO()
        try:
            Image.new("RGB", (16, 16)).save(stream, kind, icc_profile=profile)
        except (KeyError, OSError, ValueError):  # this Pillow does not write it; it may read it
            continue
        for content in (stream.getvalue(), stream.getvalue()[:-20]):
            answer_to(content, 1000)


def confine(memory: int) -> None:
    """Give up files, connections, core files, which would hold a face, and, but on macOS, memory beyond a cap."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who is at the keyboard stops the service, and that stops this
    try:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    except ValueError:
        if platform.system() != "Darwin":  # which maps more than any cap for every process, and refuses it
            raise
    for what in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        resource.setrlimit(what, (0, 0))


def _text(kind: bytes, error: ImageError) -> tuple[bytes, bytes]:
    """Return the answer that says why; without what the reader called the bytes: the service knows the photo's name."""
    said = (str(error).partition(": ")[2] or str(error)).encode("utf-8", "replace")[:LONGEST_TEXT]
    return ANSWER.pack(kind, 0, len(said)), said


def _read(place: int, size: int) -> bytes:
    """Return so many bytes; none where the other end is closed before the last of them."""
    parts, missing = [], size
    while missing:
        part = os.read(place, min(missing, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _write(place: int, content: bytes | memoryview) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(place, view) :]


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
