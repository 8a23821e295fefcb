"""How classes lie on the sphere: the spread within each, the angles between them, and the gap that is left.

Angles are radians. Everything is about directions; the length of a feature does not count.
"""

from __future__ import annotations

import math
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


def widest_angle(count: int, size: int) -> float:
    r"""Return the largest angle that ``count`` directions in ``size`` dimensions can all keep from each other.

    In the plane it is 2π/C, reached. With C ≤ D + 1 it is arccos(−1/(C − 1)), reached by the regular simplex. On the
    sphere, D = 3, it is the bound of Fejes Tóth, arccos((cot²ω − 1)/2) with ω = C/(C − 2)·π/6, reached by 3, 4, 6 and
    12 directions and nearly by others. CosFace's bounds on m are 1 − cos of these angles (arXiv:1801.09414, theorem of
    section 3.4, for the plane and the simplex).

    Source of the bound: L. Fejes Tóth, "Über die Abschätzung des kürzesten Abstandes zweier Punkte eines auf einer
    Kugelfläche liegenden Punktsystems", Jahresbericht der DMV 53, 1943.

    Raises:
        InputError: fewer than two directions, or more than D + 1 in four or more dimensions, where no formula is known.

    >>> round(1 - math.cos(widest_angle(8, 2)), 3)
    0.293
    """
    if count < 2 or size < 2:
        raise InputError(f"two directions or more in two dimensions or more; got {count} and {size}")
    if count <= size + 1:
        return math.acos(-1 / (count - 1))
    if size == 2:
        return math.tau / count
    if size > 3:
        raise InputError(f"the widest angle of {count} directions is known in 2 and 3 dimensions; got {size}")
    cotangent = 1 / math.tan(count / (count - 2) * math.pi / 6)
    return math.acos((cotangent**2 - 1) / 2)


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
