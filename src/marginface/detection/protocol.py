"""What a detector is."""

from __future__ import annotations

from typing import Protocol

from marginface.defaults import DEFAULT_MIN_SCORE
from marginface.values import Face, ImageArray


class Detector(Protocol):
    """Finds the faces of one image. Implementations are thread-safe and change nothing."""

    @property
    def network(self) -> str:
        """The name of the network that gives the landmarks: part of the contract of an embedding (contract.py)."""
        ...

    def detect(self, image: ImageArray, *, min_score: float = DEFAULT_MIN_SCORE) -> tuple[Face, ...]:
        """Return the faces, largest first, in the image's own pixels; an empty tuple if there are none.

        Args:
            image: RGB uint8 (H, W, 3).
            min_score: Faces below this score are left out.
        """
        ...
