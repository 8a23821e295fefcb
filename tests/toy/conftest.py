"""Studies that are quick: hand-made results, and a training of a few steps."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from marginface.losses.notation import read_losses
from marginface.metrics import class_geometry
from marginface.toy import LossResult, SplitResult, ToyData, ToyStudy, digits, toy_losses

MakeStudy = Callable[[dict[str, tuple[float, float]]], ToyStudy]
CLASSES, IMAGES = 8, 41


@pytest.fixture(scope="session")
def few_digits() -> ToyData:
    return digits(4)


def split(sigma: float, seed: int) -> SplitResult:
    """Classes at even angles, each spread evenly over ± sigma·√3 degrees, a little more in some classes."""
    labels = np.repeat(np.arange(CLASSES), IMAGES)
    width = sigma * (1 + 0.05 * np.random.default_rng(seed).uniform(-1, 1, CLASSES))
    offsets = np.tile(np.linspace(-1, 1, IMAGES), CLASSES) * math.sqrt(3) * width[labels]
    angles = np.radians(labels * 360 / CLASSES + offsets)
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return SplitResult(features, labels, 1.0, class_geometry(features, labels, CLASSES))


@pytest.fixture
def made_study() -> MakeStudy:
    """Make a study from loss → (spread in degrees, share of images with their margin)."""

    def make(spreads: dict[str, tuple[float, float]]) -> ToyStudy:
        losses = toy_losses(read_losses(",".join(spreads)), CLASSES, 2)
        turn = np.arange(CLASSES) * math.tau / CLASSES
        centers = np.stack([np.cos(turn), np.sin(turn)], axis=1).astype(np.float32)
        results = [
            LossResult(loss, centers, split(sigma, seed), split(2 * sigma, seed), kept, 0.1, 1.0)
            for seed, (loss, (sigma, kept)) in enumerate(zip(losses, spreads.values(), strict=True))
        ]
        return ToyStudy(digits(CLASSES), 2, results, {"steps": 1}, 0, 1.0)

    return make
