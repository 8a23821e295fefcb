"""How classes lie on the sphere: the spread within each, the angles between them, and the gap that is left.

Angles are radians. Everything is about directions; the length of a feature does not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginface.errors import InputError
from marginface.values import DoubleArray, FloatArray, IntArray, frozen

SECTOR = 0.95  # the share of a class that lies within its radius


@dataclass(frozen=True, slots=True, eq=False)
class ClassGeometry:
    """C classes of directions.

    Attributes:
        directions: (C, D) unit, the mean direction of each class.
        spread: (C,) the angular standard deviation: root mean square of the angles between the features of a class and
            its mean direction.
        radius: (C,) the angle within which 95 % of the features of a class are from its mean direction.
        gap: (C,) the angle to the nearest other class that neither reaches: the angle between the mean directions less
            both radii. Negative where the two overlap.
    """

    directions: DoubleArray
    spread: DoubleArray
    radius: DoubleArray
    gap: DoubleArray

    def __post_init__(self) -> None:
        for name in ("directions", "spread", "radius", "gap"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


def class_geometry(features: FloatArray | DoubleArray, labels: IntArray, classes: int) -> ClassGeometry:
    """Return the geometry of features (N, D) with labels (N,) in [0, classes).

    Raises:
        InputError: shapes do not fit, a class has no feature, there are fewer than two classes, or a feature is zero.

    Example:
        >>> flat = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
        >>> np.degrees(class_geometry(flat, np.array([0, 0, 1]), 2).gap).round(6)
        array([90., 90.])
    """
    units = _unit(features)
    if classes < 2 or labels.shape != units.shape[:1]:
        raise InputError(f"two classes or more and a label for each feature; got {classes} and {labels.shape}")
    missing = np.setdiff1d(np.arange(classes), labels)
    if len(missing):
        raise InputError(f"every class needs a feature; classes {missing.tolist()} have none")
    directions = _unit(np.stack([units[labels == label].mean(axis=0) for label in range(classes)]))
    own = [_angles(units[labels == label], directions[label : label + 1])[:, 0] for label in range(classes)]
    radius = np.array([np.quantile(angles, SECTOR) for angles in own])
    spread = np.array([np.sqrt(np.square(angles).mean()) for angles in own])
    free = pairwise_angles(directions) - radius[:, None] - radius[None]
    return ClassGeometry(directions, spread, radius, np.nanmin(free, axis=1))


def pairwise_angles(vectors: FloatArray | DoubleArray) -> DoubleArray:
    """Return the angle between every two of C vectors, (C, C), NaN on the diagonal."""
    units = _unit(vectors)
    angles = _angles(units, units)
    np.fill_diagonal(angles, np.nan)
    return angles


def _unit(vectors: FloatArray | DoubleArray) -> DoubleArray:
    """Return the vectors (N, D) at length 1, as float64."""
    wide = np.asarray(vectors, dtype=np.float64)
    if wide.ndim != 2:
        raise InputError(f"vectors are (N, D); got shape {wide.shape}")
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise InputError(f"a vector of length 0 or not finite has no direction; got {int((lengths == 0).sum())} zeros")
    unit: DoubleArray = wide / lengths
    return unit


def _angles(first: DoubleArray, second: DoubleArray) -> DoubleArray:
    """Return the angle between each of two lists of unit vectors; exact near 0 and π, unlike arccos of the product.

    Source: W. Kahan, "How Futile are Mindless Assessments of Roundoff in Floating-Point Computation?", 2006, section
    12: 2·atan2(‖u − v‖, ‖u + v‖).
    """
    pairs_apart = np.linalg.norm(first[:, None] - second[None], axis=2)
    pairs_added = np.linalg.norm(first[:, None] + second[None], axis=2)
    angles: DoubleArray = 2 * np.arctan2(pairs_apart, pairs_added)
    return angles
