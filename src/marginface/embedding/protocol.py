"""What an embedder is."""

from __future__ import annotations

from typing import Protocol

from marginface.contract import Contract, ModelCard
from marginface.values import FloatArray, ImageArray


class Embedder(Protocol):
    """Turns crops into embeddings of one contract. Implementations are thread-safe."""

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        ...

    @property
    def contract(self) -> Contract:
        """What an embedding must share to be comparable with these."""
        ...

    def embed(self, crops: ImageArray) -> FloatArray:
        """Return unit vectors (N, D) float32 of aligned crops, RGB uint8 (N, 112, 112, 3); N may be 0."""
        ...

    def features(self, crops: ImageArray) -> FloatArray:
        """Return what ``embed`` brings to length 1, (N, D) float32; a length may say how good a crop is (MagFace)."""
        ...
