"""YuNet: a small single-stage detector with five landmarks.

Source: Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20, 2023. The
output is decoded here in NumPy: for the cell in column c and row r of stride 8, 16 or 32

    score = √(class · objectness)
    center = (c + dx, r + dy)·stride
    size = (exp dw, exp dh)·stride
    point = (c + px, r + py)·stride
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from marginface.contract import LANDMARKS_NAME
from marginface.detection.choose import by_area
from marginface.errors import InputError
from marginface.geometry import iou, nms
from marginface.values import Box, Face, FloatArray, ImageArray, check_image
from marginface.weights import DEFAULT_ENGINE, Session, open_session, prepared

_STRIDES = (8, 16, 32)
_KINDS = ("cls", "obj", "bbox", "kps")
_OUTPUTS = [f"{kind}_{stride}" for kind in _KINDS for stride in _STRIDES]
_MOST_BOXES = 5000  # candidates that go into the suppression, the best
_MAX_LOG_SIZE = 12.0  # e^12 strides are beyond any image: keeps exp finite


@dataclass(frozen=True)
class YuNet:
    """A Detector: one or more passes over the image, each with its longest side cut to so many pixels.

    YuNet misses faces far above 300 pixels, so a large photo is always made smaller first; a small one is not
    enlarged. With several sides a face that an earlier pass has found is kept as that pass found it.

    Attributes:
        session: The prepared network.
        sides: Longest side of each pass in pixels, in order.
        overlap: IoU above which two boxes are one face.
    """

    session: Session
    sides: tuple[int, ...] = (640,)
    overlap: float = 0.3

    def __post_init__(self) -> None:
        if not self.sides or min(self.sides) < 32:
            raise InputError(f"sides are one or more lengths of at least 32 pixels; got {self.sides}")

    @property
    def network(self) -> str:
        """The published weights, whatever the passes."""
        return LANDMARKS_NAME

    @classmethod
    def load(cls, *, threads: int = 1, file: Path | None = None, engine: str = DEFAULT_ENGINE) -> YuNet:
        """Load the published weights; see weights.prepared and weights.open_session."""
        path = prepared("yunet", file=file)
        return cls(open_session(path, threads=threads, varying_shapes=True, engine=engine))

    def with_sides(self, *sides: int) -> YuNet:
        """Return the same detector, with the same session, with other passes."""
        return replace(self, sides=sides)

    def detect(self, image: ImageArray, *, min_score: float = 0.6) -> tuple[Face, ...]:
        """Return the faces, largest first; see Detector.detect."""
        check_image(image)
        if not 0 < min_score < 1:
            raise InputError(f"min_score is between 0 and 1; got {min_score}")
        if 0 in image.shape:
            return ()
        found = _NOTHING
        for side in self._useful_sides(max(image.shape[:2])):
            found = _add_new(found, self._one_pass(image, side, min_score), self.overlap)
        return by_area(map(_face, found))

    def _useful_sides(self, longest: int) -> list[int]:
        """Leave out passes that would see the same pixels as an earlier one."""
        return list(dict.fromkeys(min(side, longest) for side in self.sides))

    def _one_pass(self, image: ImageArray, side: int, min_score: float) -> FloatArray:
        """Return rows x1 y1 x2 y2, five points, score (N, 15) in the image's pixels, after suppression."""
        small = _shrink(image, side)
        outputs = self.session.run(_OUTPUTS, {"input": _network_input(small)})
        rows = _decode(outputs, -(-small.shape[1] // 32), min_score)
        rows = rows[np.argsort(-rows[:, 14], kind="stable")[:_MOST_BOXES]]
        rows = rows[nms(rows[:, :4], rows[:, 14], self.overlap)]
        factors = np.tile([image.shape[1] / small.shape[1], image.shape[0] / small.shape[0]], 7)
        rows[:, :14] *= factors.astype(np.float32)
        return rows


_NOTHING: FloatArray = np.empty((0, 15), np.float32)


def _shrink(image: ImageArray, side: int) -> ImageArray:
    """Cut the longest side to ``side`` pixels by area; a smaller image stays as it is."""
    height, width = image.shape[:2]
    if max(height, width) <= side:
        return image
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _network_input(image: ImageArray) -> FloatArray:
    """Return BGR float32 (1, 3, H, W), black to the right and below up to a multiple of 32."""
    height, width = image.shape[:2]
    padded = np.zeros((1, 3, -(-height // 32) * 32, -(-width // 32) * 32), np.float32)
    padded[0, :, :height, :width] = image[:, :, ::-1].transpose(2, 0, 1)
    return padded


def _decode(outputs: Sequence[NDArray[np.float32]], columns_of_32: int, min_score: float) -> FloatArray:
    """Return all candidates of at least this score as rows x1 y1 x2 y2, five points, score: (N, 15)."""
    parts = []
    for place, stride in enumerate(_STRIDES):
        classes, objectness, boxes, points = (outputs[3 * kind + place][0] for kind in range(4))
        scores = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objectness[:, 0], 0, 1))
        chosen = np.flatnonzero(scores >= min_score)
        if not chosen.size:  # most often two of the three
            continue
        cells = np.stack(np.divmod(chosen, columns_of_32 * 32 // stride)[::-1], axis=1).astype(np.float32)
        centers = (cells + boxes[chosen, :2]) * stride
        halves = np.exp(np.minimum(boxes[chosen, 2:], _MAX_LOG_SIZE)) * (stride / 2)
        marks = (np.tile(cells, 5) + points[chosen]) * stride
        parts.append(np.hstack([centers - halves, centers + halves, marks, scores[chosen, None]]))
    return np.concatenate(parts).astype(np.float32) if parts else _NOTHING.copy()


def _add_new(found: FloatArray, more: FloatArray, overlap: float) -> FloatArray:
    """Append the rows of a later pass that are not one of the faces found already."""
    if not len(found) or not len(more):
        return more if not len(found) else found
    is_new = iou(more[:, :4], found[:, :4]).max(axis=1) <= overlap
    return np.concatenate([found, more[is_new]])


def _face(row: FloatArray) -> Face:
    x1, y1, x2, y2 = (float(value) for value in row[:4])
    return Face(Box(x1, y1, x2, y2), row[4:14].reshape(5, 2), float(row[14]))
