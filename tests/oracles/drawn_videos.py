"""Small videos of drawn people, in Motion JPEG, which needs no codec of the system."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from marginface.data.synthetic import draw_photo
from marginface.values import ImageArray

SIDE = 240  # of the picture of one person
EMPTY = np.full((SIDE, 2 * SIDE, 3), 120, np.uint8)


def write_video(path: Path, images: Iterable[ImageArray], *, rate: float = 10) -> None:
    writer = cv2.VideoWriter()
    for image in images:
        if not writer.isOpened():
            size = image.shape[1], image.shape[0]
            assert writer.open(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, size)
        writer.write(np.ascontiguousarray(image[..., ::-1]))
    writer.release()


@cache
def person(identity: int, image: int) -> ImageArray:
    """A square picture (SIDE, SIDE, 3) of a drawn person; three photos of each are drawn."""
    photo, landmarks = draw_photo(identity, image % 3, strength=0.3)
    left = int(np.clip(landmarks[:, 0].mean() - 240, 0, 160))
    return np.asarray(cv2.resize(photo[:, left : left + 480], (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def scene(number: int, *people: tuple[int, int]) -> ImageArray:
    """A frame (SIDE, 2·SIDE, 3) with people: identity, and left edge in pixels. They move a little with the number."""
    image = EMPTY.copy()
    for identity, left in people:
        shift = left + number % 4
        image[:, shift : shift + SIDE] = person(identity, number)[:, : 2 * SIDE - shift]
    return image


def covered(image: ImageArray) -> ImageArray:
    """The frame with something held before the faces."""
    image[40:200] = 60
    return image
