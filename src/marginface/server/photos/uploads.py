"""The photos of a request: bytes only, never a path or an address."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import UploadFile

from marginface.errors import ImageTooLarge, InputError
from marginface.server.service import Service
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


async def read_photo(service: Service, part: UploadFile, name: str) -> UploadedPhoto:
    """Return a photo of a request, decoded.

    Raises:
        UnreadableImage: It is no image, damaged, or its decoder crashed.
        ImageTooLarge: More bytes or pixels than the limits allow.
    """
    limits = service.settings.limits
    if part.size is not None and part.size > limits.photo_bytes:
        raise ImageTooLarge(f"{name}: {part.size:,} bytes; a photo may have {limits.photo_bytes:,}. Make it smaller")
    content = await part.read()
    image = await service.decoder.decode(content, name)
    return UploadedPhoto(name, image, hashlib.sha256(content).hexdigest())


def require_count(service: Service, parts: Sequence[UploadFile], least: int) -> None:
    """Raise InputError unless a request has so many photos as it needs, and no more than the limits allow."""
    most = service.settings.limits.photos
    if not least <= len(parts) <= most:
        raise InputError(f"images: {least} to {most} photos in a request; got {len(parts)}. Send more in another one")
