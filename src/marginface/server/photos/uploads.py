"""The photos of a request: bytes only, never a path or an address."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from fastapi import UploadFile

from marginface.errors import ImageError, InputError
from marginface.server.decoding.decoder import Decoder
from marginface.values import ImageArray

_AT_ONCE = 2  # photos of one request that are decoded


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


async def read_photos(decoder: Decoder, parts: Mapping[str, UploadFile]) -> list[UploadedPhoto]:
    """Return the photos of a multipart body by their names; it raises what ``decoded`` does, and reads no further."""
    photos: list[UploadedPhoto] = []
    async for some in _read_together(decoder, parts):
        for photo in some:
            if isinstance(photo, ImageError):
                raise photo
            photos.append(photo)
    return photos


async def read_each(decoder: Decoder, parts: Mapping[str, UploadFile]) -> list[UploadedPhoto | ImageError]:
    """Return each photo of a multipart body, or what is wrong with it."""
    return [photo async for some in _read_together(decoder, parts) for photo in some]


async def _read_together(
    decoder: Decoder, parts: Mapping[str, UploadFile]
) -> AsyncIterator[list[UploadedPhoto | ImageError]]:
    """Give photos, a few decoded at the same time; those of other requests wait for these alone."""

    async def read(name: str) -> UploadedPhoto | ImageError:
        try:
            return await read_photo(decoder, parts[name], name)
        except ImageError as error:
            return error

    names = list(parts)
    for start in range(0, len(names), _AT_ONCE):
        yield list(await asyncio.gather(*map(read, names[start : start + _AT_ONCE])))


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


def require_faces(faces: int, most: int) -> None:
    """Raise InputError unless so many faces may be compared with each other: a table has the square of them."""
    if faces > most:
        raise InputError(
            f"images: {faces:,} faces together; {most:,} may be compared. Send fewer photos, or faces=largest"
        )
