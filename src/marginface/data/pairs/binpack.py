"""InsightFace's evaluation packs: lfw.bin, cfp_fp.bin, agedb_30.bin, calfw.bin, cplfw.bin, vgg2_fp.bin.

A pack is a pickle of two lists: 2·P encoded images (JPEG or PNG, as byte strings or flat uint8 arrays), and P times
whether images 2i and 2i + 1 show the same person. The images are aligned 112×112 crops. The folds are those of
InsightFace's verification script: ten, in the order of the pack, unshuffled. Who the people are is not in it.

The file is mapped, not loaded, and never given to Python's ``pickle``; data.pickles.reader says what can be in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np

from marginface.data.pickles.reader import FlatArray, read_pickled
from marginface.data.pickles.span import Span
from marginface.errors import DataError, ImageError
from marginface.geometry import CROP_SIZE
from marginface.images import read_image
from marginface.values import BoolArray, ImageArray, IntArray, Pairs

FOLDS = 10
_MOST_PIXELS = 4_000_000  # of an image that is decoded to say that it is no crop
_FIRST_BYTES = (b"\x80", b"(", b"]")  # of a pickle of two lists


@dataclass(frozen=True, eq=False)
class BinPack:
    """An open pack: its ``pairs``, whose images are named ``lfw.bin#0`` …, and where each of them lies in the file.

    An image that is in the pack several times is one image of ``pairs``, named by its first place.
    """

    pairs: Pairs
    content: mmap
    spans: Mapping[Path, Span]

    def missing(self, images: Sequence[Path]) -> list[Path]:
        """Return those of the images that are not in this pack."""
        return [image for image in images if image not in self.spans]

    def read(self, image: Path) -> ImageArray:
        """Decode one image of the pack; threads may call this at once.

        Raises:
            ImageError: it cannot be decoded.
            DataError: it is no crop of 112×112 pixels.
        """
        try:
            crop = read_image(self.spans[image].read(self.content), max_pixels=_MOST_PIXELS)
        except ImageError as error:
            raise type(error)(f"{image}: {error}") from None
        if crop.shape != (CROP_SIZE, CROP_SIZE, 3):
            raise DataError(
                f"{image}: a pack holds aligned crops of {CROP_SIZE}×{CROP_SIZE} pixels; got "
                f"{crop.shape[1]}×{crop.shape[0]}. Crop the photos with `marginface align` and pack them again"
            )
        return crop


def open_pack(path: Path) -> BinPack:
    """Open a pack; nothing is decoded yet.

    Raises:
        DataError: the file cannot be read, or is not such a pack; whatever it holds, nothing of it is run.
    """
    content = _map(path)
    images, same = _two_lists(read_pickled(content, str(path)), path)
    spans = [_image_span(image, f"{path}#{number}") for number, image in enumerate(images)]
    genuine = _genuine(same, content, path)
    _check_counts(len(spans), genuine, path)
    places = _first_places(spans, content, path)
    used, index = np.unique(places, return_inverse=True)
    names = tuple(Path(f"{path}#{place}") for place in used)
    pairs = Pairs(path.name, names, index[0::2], index[1::2], genuine, unshuffled_folds(len(genuine)))
    return BinPack(pairs, content, {name: spans[place] for name, place in zip(names, used, strict=True)})


def unshuffled_folds(pairs: int, folds: int = FOLDS) -> IntArray:
    """Return the fold of each pair (P,), in order; the first P mod folds have one more (KFold without shuffling).

    >>> unshuffled_folds(7, folds=3).tolist()
    [0, 0, 0, 1, 1, 2, 2]
    """
    return np.sort(np.arange(pairs, dtype=np.int64) % folds)


def _map(path: Path) -> mmap:
    try:
        with path.open("rb") as stream:
            content = mmap(stream.fileno(), 0, access=ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: an empty file
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot read this evaluation pack: {reason}") from None
    if content[:1] not in _FIRST_BYTES:
        raise DataError(
            f"{path}: expected an evaluation pack as InsightFace's lfw.bin, a pickle of images and labels; this "
            f"file begins with {content[:8]!r}"
        )
    return content


def _two_lists(value: Any, path: Path) -> tuple[list[Any] | tuple[Any, ...], Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        got = f"{len(value)} parts" if isinstance(value, list | tuple) else _kind(value)
        raise DataError(f"{path}: a pack holds two lists, images and whether they are of the same person; got {got}")
    images, same = value
    if not isinstance(images, list | tuple):
        raise DataError(f"{path}: the first part of a pack is the list of images; got {_kind(images)}")
    if not images:
        raise DataError(f"{path}: this pack holds no images")
    return images, same


def _kind(value: Any) -> str:
    kinds = {Span: "one string", FlatArray: "one array", list: "a list", tuple: "a tuple", type(None): "None"}
    return kinds.get(type(value), "a number")


def _image_span(image: Any, name: str) -> Span:
    if isinstance(image, FlatArray) and image.kind == "u1":
        image = image.data
    if not isinstance(image, Span) or image.is_text:
        got = "text" if isinstance(image, Span) else _kind(image)
        raise DataError(
            f"{name}: an image is the bytes of a JPEG or PNG file, or a flat uint8 array of them; got {got}"
        )
    return image


def _genuine(same: Any, content: mmap, path: Path) -> BoolArray:
    """Return the labels (P,): a list of bool, 0 or 1, or one array of bool."""
    if isinstance(same, FlatArray) and same.kind == "b1" and same.data is not None:
        same = list(same.data.read(content))
    if not isinstance(same, list | tuple):
        raise DataError(f"{path}: the second part of a pack is a list of booleans, one a pair; got {_kind(same)}")
    for pair, value in enumerate(same):
        if not isinstance(value, int) or value not in (0, 1):
            got = value if isinstance(value, int) else _kind(value)
            raise DataError(f"{path}: whether pair {pair} is of the same person is True or False; got {got}")
    return np.asarray(same, dtype=bool)


def _check_counts(images: int, genuine: BoolArray, path: Path) -> None:
    if images != 2 * len(genuine):
        raise DataError(f"{path}: {len(genuine):,} pairs need {2 * len(genuine):,} images; the pack holds {images:,}")
    if len(genuine) < FOLDS:
        raise DataError(f"{path}: {FOLDS} folds need {FOLDS} pairs or more; the pack holds {len(genuine)}")
    if genuine.all() or not genuine.any():
        kind = "the same person" if genuine.all() else "different people"
        raise DataError(f"{path}: all {len(genuine):,} pairs are of {kind}; a protocol has pairs of both kinds")


def _first_places(spans: list[Span], content: mmap, path: Path) -> IntArray:
    """Return for each image the first place (2P,) in the pack that holds the same bytes."""
    of_bytes: dict[bytes, int] = {}
    of_span: dict[Span, int] = {}  # a pickle may name one string many times: it is read once
    for place, span in enumerate(spans):
        if span in of_span:
            continue
        try:
            digest = hashlib.sha256(span.read(content)).digest()
        except DataError as error:
            raise DataError(f"{path}#{place}: {error}") from None
        of_span[span] = of_bytes.setdefault(digest, place)
    return np.asarray([of_span[span] for span in spans], dtype=np.int64)
