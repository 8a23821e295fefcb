"""Opaque ids of faces as UUIDs, which programs for CompreFace may parse; nothing is looked up for it."""

from __future__ import annotations

import re

from marginface.errors import InputError

_FACE = re.compile(r"f-([0-9a-f]{16})")
_UUID = re.compile(r"00000000-0000-0000-([0-9a-f]{4})-([0-9a-f]{12})")


def image_id(face: str) -> str:
    """Return the opaque id of a face as a UUID.

    >>> image_id("f-b1946ac92492d234")
    '00000000-0000-0000-b194-6ac92492d234'
    """
    found = _FACE.fullmatch(face)
    assert found is not None
    return f"00000000-0000-0000-{found[1][:4]}-{found[1][4:]}"


def face_id(image: str) -> str:
    """Return the opaque id of a face from its UUID, or as it is.

    >>> face_id("00000000-0000-0000-B194-6AC92492D234")
    'f-b1946ac92492d234'

    Raises:
        InputError: It is neither.
    """
    found = _UUID.fullmatch(image.lower())
    if found is not None:
        return f"f-{found[1]}{found[2]}"
    if _FACE.fullmatch(image):
        return image
    raise InputError("an image_id is as 00000000-0000-0000-b194-6ac92492d234, as adding an example answers it")
