"""An encoded image → RGB uint8: plain JPEG by libjpeg-turbo itself, everything else by images.py, to equal pixels.

Almost every training crop is a plain JPEG: baseline, three channels, no EXIF, no ICC profile. simplejpeg hands such a
file to libjpeg-turbo and nothing else, in 0.4 of the time that images.py takes. It brings its own libjpeg-turbo, so
that a version decides the pixels and not the machine (PyTurboJPEG loads whatever library the system has). What is not
plain, too large for a crop, damaged or odd is left to images.py, so that an image means the same, and an error says the
same, with and without simplejpeg.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

import PIL
from PIL import features

from marginface.errors import MissingExtra
from marginface.images import read_image
from marginface.values import ImageArray

DecoderName = Literal["auto", "simplejpeg", "pillow"]
LARGEST = 1 << 20  # pixels that the short way takes: far above a crop, far below what fills a memory

_START_OF_IMAGE, _BASELINE, _START_OF_SCAN = b"\xff\xd8", 0xC0, 0xDA
# Baseline frame, Huffman tables, quantization tables, restart interval, JFIF, comment: none of them turns an image or
# changes its colors, as Exif, ICC and Adobe segments do.
_PLAIN = frozenset({_BASELINE, 0xC4, 0xDB, 0xDD, 0xE0, 0xFE})


@dataclass(frozen=True, slots=True)
class Decoder:
    """Encoded bytes → RGB uint8 (H, W, 3), upright, in sRGB; raises what images.read_image raises.

    ``name`` is what a recipe says, ``description`` names versions, for the record of a run.
    """

    name: DecoderName
    description: str
    decode: Callable[[bytes], ImageArray]

    def __call__(self, content: bytes) -> ImageArray:
        """Decode an image."""
        return self.decode(content)


def choose_decoder(name: DecoderName = "auto") -> Decoder:
    """Return a decoder by name; auto takes simplejpeg where it is installed.

    Raises:
        MissingExtra: simplejpeg is asked for and not installed.
    """
    turbo = features.version("libjpeg_turbo")
    pillow = f"Pillow {PIL.__version__}" + (f" with libjpeg-turbo {turbo}" if turbo else "")
    if name == "pillow" or (name == "auto" and find_spec("simplejpeg") is None):
        return Decoder("pillow", pillow, read_image)
    simplejpeg = _load_simplejpeg()

    def decode(content: bytes) -> ImageArray:
        if is_plain_jpeg(content):
            try:
                image: ImageArray = simplejpeg.decode_jpeg(content)
                return image
            except ValueError:  # libjpeg-turbo has a doubt: what images.py makes of the file counts
                pass
        return read_image(content)

    return Decoder("simplejpeg", f"simplejpeg {simplejpeg.__version__}, else {pillow}", decode)


def is_plain_jpeg(content: bytes) -> bool:
    """Say whether a file is a baseline JPEG of three channels whose only application segment is JFIF's."""
    if content[:2] != _START_OF_IMAGE:
        return False
    at, framed = 2, False
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == _START_OF_SCAN:
            return framed
        if marker not in _PLAIN:
            return False
        if marker == _BASELINE:
            framed = _is_small_color(content[at + 4 : at + 10])
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return False


def _is_small_color(frame: bytes) -> bool:
    """Say whether a frame header (bits, height, width, channels) is 8 bits, three channels and at most LARGEST."""
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    return frame[:1] == b"\x08" and frame[5:] == b"\x03" and 0 < height * width <= LARGEST


def _load_simplejpeg() -> Any:
    try:
        import simplejpeg
    except ImportError as error:
        raise MissingExtra(
            "[data] decoder simplejpeg needs simplejpeg: pip install 'marginface[data]'. Or choose auto or pillow; a "
            "run that began with simplejpeg goes on with it only"
        ) from error
    return simplejpeg
