"""A canvas that takes points of a head in three dimensions and draws smooth, antialiased shapes in two."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from marginface.values import DoubleArray, ImageArray

Color = tuple[float, float, float]
SUBPIXEL_BITS = 4
PERSPECTIVE = 0.10
SAMPLES = 5  # per stretch between two control points


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Head coordinates (x right, y down, z to the viewer; the eyes at y = 0) → pixels, by turn and similarity.

    ``rotation`` (3, 3); ``matrix`` (2, 3) maps the turned x, y to pixels.
    """

    rotation: DoubleArray
    matrix: DoubleArray

    def __call__(self, points: DoubleArray) -> DoubleArray:
        """Return pixels (K, 2) of points (K, 3), in weak perspective."""
        return affine(turn(points, self.rotation), self.matrix)

    @property
    def scale(self) -> float:
        """Pixels per head unit."""
        return float(math.hypot(self.matrix[0, 0], self.matrix[1, 0]))


def turn(points: DoubleArray, rotation: DoubleArray) -> DoubleArray:
    """Return x, y (K, 2) of points (K, 3) after the turn, nearer points slightly larger."""
    turned = points @ rotation.T
    flat: DoubleArray = turned[:, :2] * (1 + PERSPECTIVE * turned[:, 2:])
    return flat


def affine(points: DoubleArray, matrix: DoubleArray) -> DoubleArray:
    """Return points (K, 2) mapped by a 2×3 matrix."""
    mapped: DoubleArray = points @ matrix[:, :2].T + matrix[:, 2]
    return mapped


def rotation_matrix(yaw: float, pitch: float, roll: float) -> DoubleArray:
    """Return roll · pitch · yaw as a 3×3 matrix; angles in radians."""
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (math.cos, math.sin))
    turn_yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    turn_pitch = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    turn_roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    product: DoubleArray = turn_roll @ turn_pitch @ turn_yaw
    return product


@lru_cache(maxsize=64)
def _curve_weights(count: int, closed: bool) -> DoubleArray:
    """Return the Catmull-Rom weights (samples, count) of a curve through count control points."""
    stretches = count if closed else count - 1
    weights = np.zeros((stretches * SAMPLES + (not closed), count))
    for row in range(len(weights)):
        start, t = min(row // SAMPLES, stretches - 1), row / SAMPLES - min(row // SAMPLES, stretches - 1)
        cubic = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3)
        for offset, weight in zip((-1, 0, 1, 2), cubic, strict=True):
            place = (start + offset) % count if closed else min(max(start + offset, 0), count - 1)
            weights[row, place] += weight / 2
    return weights


def smooth(points: DoubleArray, *, closed: bool = True) -> DoubleArray:
    """Return a Catmull-Rom curve through the control points (K, D)."""
    curve: DoubleArray = _curve_weights(len(points), closed) @ points
    return curve


class Canvas:
    """An RGB image being drawn through a projection, and a soft relief map that is multiplied in by ``emboss``."""

    def __init__(self, image: ImageArray, projection: Projection) -> None:
        self.image = image
        self.projection = projection
        self._relief = np.full((image.shape[0] // 2, image.shape[1] // 2), 128, dtype=np.uint8)

    def fill(self, points: DoubleArray, color: Color) -> None:
        """Fill a polygon of head points (K, 3)."""
        cv2.fillPoly(self.image, [_fixed(self.projection(points))], color, cv2.LINE_AA, SUBPIXEL_BITS)

    def line(self, points: DoubleArray, color: Color, width: float, *, closed: bool = False) -> None:
        """Draw a line through head points (K, 3); width in head units."""
        thickness = max(1, round(width * self.projection.scale))
        pixels = _fixed(self.projection(points))
        cv2.polylines(self.image, [pixels], closed, color, thickness, cv2.LINE_AA, SUBPIXEL_BITS)

    def shade(self, points: DoubleArray, amount: float) -> None:
        """Fill a polygon in the relief: amount −1 is black, 0 leaves as is, 1 doubles."""
        pixels = _fixed(self.projection(points) / 2)
        value = float(np.clip(128 * (1 + amount), 0, 255))
        cv2.fillPoly(self._relief, [pixels], value, cv2.LINE_AA, SUBPIXEL_BITS)

    def emboss(self, softness: float) -> None:
        """Blur the relief (softness in head units) and multiply the image by it."""
        sigma = max(0.5, softness * self.projection.scale / 2)
        soft = cv2.GaussianBlur(self._relief, (0, 0), sigma)
        large = cv2.resize(soft, self.image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        cv2.multiply(self.image, cv2.merge([large, large, large]), dst=self.image, scale=1 / 128)
        self._relief.fill(128)

    def tint(self, points: DoubleArray, color: Color, alpha: float, softness: float) -> None:
        """Lay a soft translucent polygon over the image; softness in head units."""
        pixels = self.projection(points)
        margin = 2 * softness * self.projection.scale + 2
        low = np.clip(np.floor(pixels.min(axis=0) - margin), 0, None).astype(int)
        high = np.minimum(np.ceil(pixels.max(axis=0) + margin), self.image.shape[1::-1]).astype(int)
        if (high - low).min() < 2:
            return
        region = self.image[low[1] : high[1], low[0] : high[0]]
        mask = np.zeros(region.shape[:2], dtype=np.uint8)
        cv2.fillPoly(mask, [_fixed(pixels - low)], 255.0 * alpha, cv2.LINE_AA, SUBPIXEL_BITS)
        sigma = softness * self.projection.scale
        weight = (cv2.GaussianBlur(mask, (0, 0), sigma) if sigma > 0.3 else mask).astype(np.float32)[..., None] / 255
        region += ((np.asarray(color, dtype=np.float32) - region) * weight).astype(np.int16).astype(np.uint8)


def _fixed(pixels: DoubleArray) -> NDArray[np.int32]:
    """Return pixels in OpenCV's fixed point; OpenCV's origin is the center of the first pixel, ours its corner."""
    fixed: NDArray[np.int32] = np.round((pixels - 0.5) * 2**SUBPIXEL_BITS).astype(np.int32)
    return fixed
