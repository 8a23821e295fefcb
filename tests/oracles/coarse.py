"""An embedder that looks at a face as a few large pixels: fast, and right often enough to have something to score."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from marginface.contract import Contract, ModelCard
from marginface.similarity import l2_normalize
from marginface.values import FloatArray, ImageArray

CARD = ModelCard(name="coarse", file="x.onnx", sha256="0" * 64, license="none", embedding_size=48)


def coarse(crop: ImageArray) -> FloatArray:
    """16 means of each color, less gray: a face as a few large pixels, of a length that differs."""
    return crop.reshape(4, 28, 4, 28, 3).mean(axis=(1, 3)).ravel().astype(np.float32) - 110


@dataclass
class Coarse:
    """It counts the crops it was given."""

    card: ModelCard = CARD
    contract: Contract = field(default_factory=lambda: CARD.contract(mirror=False))
    crops_seen: int = 0

    def features(self, crops: ImageArray) -> FloatArray:
        self.crops_seen += len(crops)
        return np.stack([coarse(crop) for crop in crops])

    def embed(self, crops: ImageArray) -> FloatArray:
        return l2_normalize(self.features(crops))
