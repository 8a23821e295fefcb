"""Frames of drawn faces whose answers anyone can compute, and a small video with real pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from marginface.cropping import FaceCropper
from marginface.pipeline import KnownPeople, Recognizer
from marginface.values import ImageArray
from marginface.video import Frame
from oracles.drawn_videos import write_video
from oracles.red_faces import BlueEmbedder, RedDetector, photo_with_faces

Boxes = list[tuple[tuple[int, int, int, int], int]]  # box, blue


@pytest.fixture
def drawn() -> Recognizer:
    return Recognizer(FaceCropper(RedDetector()), BlueEmbedder())


@pytest.fixture
def known(drawn: Recognizer) -> KnownPeople:
    """Ann is blue 0, Bob blue 190: their angles are 0° and 67°."""
    photos = {name: [photo_with_faces((100, 50, 180, 130), blue=blue)] for name, blue in (("Ann", 0), ("Bob", 190))}
    return drawn.enrol(photos, quality="off")


def picture(faces: Boxes) -> ImageArray:
    image = photo_with_faces()
    for box, blue in faces:
        one = photo_with_faces(box, blue=blue)
        x1, y1, x2, y2 = box
        image[y1:y2, x1:x2] = one[y1:y2, x1:x2]
    return image


@pytest.fixture
def frames() -> Callable[[list[Boxes]], list[Frame]]:
    """Faces of each frame → frames, five a second."""

    def make(script: list[Boxes]) -> list[Frame]:
        return [Frame(picture(faces), 0.2 * number, 6 * number) for number, faces in enumerate(script)]

    return make


@pytest.fixture
def gray_video(tmp_path: Path) -> Path:
    """A second of 20 frames; frame n has the gray 10·n."""
    path = tmp_path / "gray.avi"
    write_video(path, [np.full((48, 64, 3), 10 * number, np.uint8) for number in range(20)], rate=20)
    return path
