"""The surface that features lie on: depth of a face, its outline, ellipses on it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from marginface.data.synthetic.canvas import Color, smooth
from marginface.data.synthetic.identity import FaceShape
from marginface.values import DoubleArray


def face_depth(flat: DoubleArray) -> DoubleArray:
    """Return z (K,) of the face at x, y (K, 2): an ellipsoid that is 0.95 deep."""
    inside = 1 - (flat[:, 0] / 1.2) ** 2 - ((flat[:, 1] - 0.15) / 1.9) ** 2
    depth: DoubleArray = 0.95 * np.sqrt(np.maximum(inside, 0))
    return depth


def on_face(flat: DoubleArray, lift: float = 0.0) -> DoubleArray:
    """Return points (K, 3) on the face, or ``lift`` before it, from x, y (K, 2)."""
    return at_depth(flat, face_depth(flat) + lift)


def at_depth(flat: DoubleArray, depth: float | DoubleArray) -> DoubleArray:
    """Return points (K, 3) from x, y (K, 2) and one z, or one per point."""
    points = np.empty((len(flat), 3))
    points[:, :2] = flat
    points[:, 2] = depth
    return points


@lru_cache(maxsize=8)
def _circle(points: int = 20) -> DoubleArray:
    angle = np.arange(points) * (2 * np.pi / points)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def ellipse(x: float, y: float, width: float, height: float, *, depth: float | None = None) -> DoubleArray:
    """Return an ellipse (20, 3) with these half-axes, on the face or at one depth."""
    flat = _circle() * [width, height] + [x, y]
    return on_face(flat) if depth is None else at_depth(flat, depth)


def head_outline(shape: FaceShape, *, grow: float = 1.0) -> DoubleArray:
    """Return the outline of the head, crown to chin and back; ``grow`` widens it about the eyes."""
    w, jaw = shape.width, shape.width * shape.jaw
    right = [(0.52 * w, shape.crown * 0.90), (0.90 * w, shape.crown * 0.53), (1.0 * w, -0.20), (w * shape.cheek, 0.55),
             (jaw, 1.02), (shape.chin_width + 0.14, shape.chin * 0.93)]  # fmt: skip
    points = [(0.0, shape.crown), *right, (0.0, shape.chin), *((-x, y) for x, y in reversed(right))]
    flat = np.array(points) * grow
    return smooth(at_depth(flat, 0.15))


def scaled(color: Color, factor: float) -> Color:
    """Return the color times a factor, at most white."""
    return min(color[0] * factor, 255.0), min(color[1] * factor, 255.0), min(color[2] * factor, 255.0)


def mixed(first: Color, second: Color, share: float) -> Color:
    """Return first × (1 − share) + second × share."""
    red, green, blue = (a * (1 - share) + b * share for a, b in zip(first, second, strict=True))
    return red, green, blue
