"""A recognizer of drawn faces, whose answers anyone can compute."""

from __future__ import annotations

import pytest

from marginface.cropping import FaceCropper
from marginface.pipeline import Recognizer
from oracles.red_faces import BlueEmbedder, RedDetector


@pytest.fixture
def drawn() -> Recognizer:
    return Recognizer(FaceCropper(RedDetector()), BlueEmbedder())
