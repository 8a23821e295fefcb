"""One row an image: what reading it once tells. Rows of shards are joined by ``numpy.concatenate``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginface.data.audit.hashes import perceptual_hashes
from marginface.errors import ImageError
from marginface.images import read_image
from marginface.values import BoolArray

ROW = np.dtype(
    [
        ("readable", "?"),
        ("size", "i8"),  # encoded bytes
        ("width", "i4"),
        ("height", "i4"),
        ("sha256", "u1", 32),  # of the encoded bytes
        ("coarse", "u8"),  # see hashes
        ("fine", "u8", 4),
    ]
)
Rows = NDArray[Any]  # of the type ROW


def audit_images(contents: Iterable[bytes | None]) -> Rows:
    """Decode and hash encoded images, one row each, in order; None, or what does not decode, is not readable.

    A pure function of the bytes: shards may be done anywhere, and in any order.
    """
    rows = [_row(content) for content in contents]
    return np.array(rows, dtype=ROW)


def has_size(rows: Rows, side: int) -> BoolArray:
    """Return which images are readable and side × side pixels."""
    found: BoolArray = rows["readable"] & (rows["width"] == side) & (rows["height"] == side)
    return found


def _row(content: bytes | None) -> tuple[Any, ...]:
    if content is None:
        return (False, 0, 0, 0, np.zeros(32, np.uint8), 0, np.zeros(4, np.uint64))
    digest = np.frombuffer(hashlib.sha256(content).digest(), np.uint8)
    try:
        image = read_image(content)
    except ImageError:
        return (False, len(content), 0, 0, digest, 0, np.zeros(4, np.uint64))
    height, width = image.shape[:2]
    return (True, len(content), width, height, digest, *perceptual_hashes(image))
