"""Decoding by libjpeg-turbo: the pixels and the errors of images.py, whatever the file."""

from __future__ import annotations

import random
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from marginface.data.images.decoding import Decoder, choose_decoder, is_plain_jpeg
from marginface.errors import ImageError, MissingExtra
from marginface.images import list_images, read_image
from marginface.values import ImageArray

simplejpeg = pytest.importorskip("simplejpeg")
CROP = np.random.default_rng(0).integers(0, 256, (14, 14, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return choose_decoder("simplejpeg")


def picture(mode: str = "RGB", size: int = 112) -> Image.Image:
    return Image.fromarray(CROP).resize((size, size), Image.Resampling.BICUBIC).convert(mode)


def jpeg(image: Image.Image, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return jpeg(picture(), exif=exif)


def outcome(decode: Any, content: bytes) -> ImageArray | str:
    """The image, or the error's words."""
    try:
        return decode(content)
    except ImageError as error:
        return str(error)


def same(one: ImageArray | str, other: ImageArray | str) -> bool:
    return np.array_equal(one, other) if not isinstance(one, str) else one == other


PLAIN = {
    **{
        f"quality {quality}, {subsampling}": jpeg(picture(), quality=quality, subsampling=subsampling)
        for quality in (10, 75, 95, 100)
        for subsampling in ("4:4:4", "4:2:2", "4:2:0")
    },
    "4:4:0": simplejpeg.encode_jpeg(np.asarray(picture()), colorsubsampling="440"),
    "4:1:1": simplejpeg.encode_jpeg(np.asarray(picture()), colorsubsampling="411"),
    "restart markers": jpeg(picture(), restart_marker_blocks=3),
    "own tables": jpeg(picture(), optimize=True),
    "a comment": jpeg(picture(), comment="a crop"),
    "an odd size": jpeg(picture(size=97)),
}
OTHER = {
    **{f"orientation {turn}": turned(turn) for turn in range(1, 9)},
    "CMYK": jpeg(picture("CMYK")),
    "gray": jpeg(picture("L")),
    "progressive": jpeg(picture(), progressive=True),
    "RGB channels": jpeg(picture(), keep_rgb=True),
    "a profile": jpeg(picture(), icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
    "large": jpeg(picture(size=1100)),
    "PNG": (lambda stream: (picture().save(stream, "PNG"), stream.getvalue())[1])(BytesIO()),
    "empty": b"",
    "the first bytes": PLAIN["4:4:0"][:20],
    "cut before its scan": PLAIN["4:4:0"][: PLAIN["4:4:0"].index(b"\xff\xda")],
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_jpeg_goes_to_libjpeg_turbo_and_has_the_pixels_of_pillow(decoder: Decoder, name: str) -> None:
    assert is_plain_jpeg(PLAIN[name])
    assert np.array_equal(simplejpeg.decode_jpeg(PLAIN[name]), read_image(PLAIN[name]))
    assert np.array_equal(decoder(PLAIN[name]), read_image(PLAIN[name]))


@pytest.mark.parametrize("name", OTHER)
def test_anything_else_is_left_to_images(decoder: Decoder, name: str) -> None:
    assert not is_plain_jpeg(OTHER[name])
    assert same(outcome(decoder, OTHER[name]), outcome(read_image, OTHER[name]))


@pytest.mark.parametrize("name", ["4:1:1", "restart markers", "quality 95, 4:2:0", "orientation 6"])
def test_a_damaged_file_has_the_same_pixels_or_the_same_error(decoder: Decoder, name: str) -> None:
    whole, chance = {**PLAIN, **OTHER}[name], random.Random(name)
    decoded = 0
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 1, 3))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        content = bytes(damaged[: chance.choice((len(damaged), chance.randrange(len(damaged))))])
        found = outcome(decoder, content)
        assert same(found, outcome(read_image, content))
        decoded += not isinstance(found, str)
    assert decoded > 10, "too damaged to test anything"


def test_a_header_that_claims_a_huge_image_never_reaches_the_short_way(decoder: Decoder) -> None:
    frame = PLAIN["own tables"].index(b"\xff\xc0")
    claims = bytearray(PLAIN["own tables"])
    claims[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"
    assert not is_plain_jpeg(bytes(claims))
    assert "more than the cap" in str(outcome(decoder, bytes(claims)))


def test_a_decoder_says_what_it_is() -> None:
    assert choose_decoder("auto").name == "simplejpeg"
    assert choose_decoder("simplejpeg").description.startswith(f"simplejpeg {simplejpeg.__version__}, else Pillow ")
    assert choose_decoder("pillow").decode is read_image
    assert choose_decoder("pillow").description.startswith("Pillow ")


def test_without_simplejpeg_auto_is_pillow_and_the_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marginface.data.images.decoding.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    assert choose_decoder("auto").name == "pillow"
    with pytest.raises(MissingExtra, match=r"needs simplejpeg: pip install 'marginface\[data\]'\. Or choose"):
        choose_decoder("simplejpeg")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of damaged tags
def test_real_photos_have_the_same_pixels_or_the_same_error(decoder: Decoder, shared_data: Path) -> None:
    odd = [path for path in list_images(shared_data / "photos") if path.stat().st_size < 60_000]
    paths = list_images(shared_data / "lfw")[::100] + list_images(shared_data / "cfp")[::100] + odd
    contents = [path.read_bytes() for path in paths]
    assert sum(map(is_plain_jpeg, contents)) > 100
    differing = [
        path
        for path, content in zip(paths, contents, strict=True)
        if not same(outcome(decoder, content), outcome(read_image, content))
    ]
    assert differing == []
