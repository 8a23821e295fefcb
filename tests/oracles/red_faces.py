"""A detector and an embedder that anyone can follow: a face is a rectangle without a gray, its embedding its mean blue.

Its red is full, and green squares give it contrast and edges, so that it is a face of good quality too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from marginface.contract import LANDMARKS_NAME, Contract, ModelCard, ThresholdEntry
from marginface.embedding import unit_rows
from marginface.values import Box, Face, FloatArray, ImageArray


def photo_with_faces(
    *boxes: tuple[int, int, int, int], size: tuple[int, int] = (200, 300), blue: int = 0
) -> ImageArray:
    """Gray photo (height, width); each box x1 y1 x2 y2 becomes a red face with this much blue and green squares."""
    image = np.full((*size, 3), 90, np.uint8)
    for x1, y1, x2, y2 in boxes:
        image[y1:y2, x1:x2] = (255, 0, blue)
        rows, columns = np.ogrid[: y2 - y1, : x2 - x1]
        squares = 5 * rows // (y2 - y1) % 2 ^ 5 * columns // (x2 - x1) % 2
        image[y1:y2, x1:x2, 1] = squares * (40 + 80 * rows // (y2 - y1) + 80 * columns // (x2 - x1))
    return image


@dataclass
class RedDetector:
    """Finds red rectangles; a rectangle with a blue of 200 or more is a faint face of score 0.3."""

    seen: list[tuple[int, ...]] = field(default_factory=list)
    network: str = LANDMARKS_NAME  # as if the default detector had found them

    def detect(self, image: ImageArray, *, min_score: float = 0.6) -> tuple[Face, ...]:
        self.seen.append(image.shape)
        red = (image[..., 0] == 255).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(red)
        faces = [self._face(image, *(int(v) for v in row[:4])) for row in stats[1:]]
        faces = [face for face in faces if face.score >= min_score]
        return tuple(sorted(faces, key=lambda face: -face.box.area))

    def _face(self, image: ImageArray, x: int, y: int, width: int, height: int) -> Face:
        score = 0.3 if image[y, x, 2] >= 200 else 0.95
        places = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
        points = places * np.float32([width, height]) + np.float32([x, y])
        return Face(Box(x, y, x + width, y + height), points, score)


BLUE_CARD = ModelCard(
    name="blue",
    file="blue.onnx",
    sha256="0" * 64,
    license="none",
    embedding_size=2,
    usual_norm=10.0,
    thresholds=(ThresholdEntry(similarity=0.9, fmr=1e-3, impostor_pairs=3000, data="drawn faces"),),
)


@dataclass
class BlueEmbedder:
    """Embeds a crop as the angle blue / 255 × 90° in the plane: similarity is the cosine of the difference."""

    card: ModelCard = BLUE_CARD

    @property
    def contract(self) -> Contract:
        return self.card.contract()

    def embed(self, crops: ImageArray) -> FloatArray:
        return unit_rows(self.features(crops))

    def features(self, crops: ImageArray) -> FloatArray:
        angle = crops[:, 40:70, 40:70, 2].astype(np.float64).mean(axis=(1, 2)) / 255 * np.pi / 2
        return 10 * np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
