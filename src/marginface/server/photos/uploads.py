"""The photos of a request: bytes only, never a path or an address."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import UploadFile

from marginface.errors import InputError
from marginface.server.photos.decoding import Decoder
from marginface.values import ImageArray


@dataclass(frozen=True, slots=True, eq=False)
class UploadedPhoto:
    """A photo that came with a request.

    Attributes:
        name: The part's name, as ``image_a``: no file name of the sender, who may have put a person's into it.
        image: RGB uint8 (H, W, 3).
        sha256: Of the bytes that came, 64 hex digits.
    """

    name: str
    image: ImageArray
    sha256: str


async def read_photo(decoder: Decoder, part: UploadFile, name: str) -> UploadedPhoto:
    """Return a photo of a multipart body, decoded; it raises what ``decoded`` does."""
    decoder.require_size(part.size or 0, name)  # before it is read: it is in memory once already
    return await decoded(decoder, await part.read(), name)


async def decoded(decoder: Decoder, content: bytes, name: str) -> UploadedPhoto:
    """Return a photo from its bytes.

    Raises:
        UnreadableImage: It is no image, damaged, or its decoder crashed.
        ImageTooLarge: More bytes or pixels than the limits allow.
    """
    image = await decoder.decode(content, name)
    return UploadedPhoto(name, image, hashlib.sha256(content).hexdigest())


def require_count(parts: Sequence[UploadFile], least: int, most: int) -> None:
    """Raise InputError unless a request has so many photos as it needs, and no more than it may."""
    if not least <= len(parts) <= most:
        raise InputError(f"images: {least} to {most} photos in a request; got {len(parts)}. Send more in another one")
