"""Photos and archives as the parts of a multipart body."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from marginface.client.transport import Part
from marginface.errors import InputError, UnreadableImage

Photo = str | Path | bytes

_BYTES = "application/octet-stream"  # what a photo is, the service finds out by itself


def photo_part(name: str, photo: Photo) -> Part:
    """Return a photo as a part of this name: a file by its path, or the bytes of an image file.

    Raises:
        UnreadableImage: There is no such file, or it cannot be read.
        InputError: It is neither a path nor bytes.
    """
    if isinstance(photo, bytes):
        return name, ("photo", photo, _BYTES)
    if not isinstance(photo, str | Path):
        raise InputError(f"a photo is a path, or the bytes of an image file; got {type(photo).__name__}")
    path = Path(photo)
    try:
        return name, (path.name, path.read_bytes(), _BYTES)
    except OSError as error:
        raise UnreadableImage(f"{path}: cannot open this file: {error.strerror}") from None


def photo_parts(name: str, photos: Iterable[Photo]) -> list[Part]:
    """Return several photos as parts of one name; raise InputError if there is none."""
    if isinstance(photos, str | Path | bytes):
        raise InputError("photos are several: give a list, as [Path('ann.jpg')]")
    parts = [photo_part(name, photo) for photo in photos]
    if not parts:
        raise InputError("there is no photo in the list")
    return parts
