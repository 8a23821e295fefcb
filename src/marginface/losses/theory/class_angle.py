r"""What a margin is worth between two classes, as a function of the angle θ_w between their centers.

A feature lies in the plane of both centers, θ1 from its own and θ2 from the other, θ1 + θ2 = θ_w. Its class ends where
ψ(θ1) = cos θ2, and the margin is θ2 − θ1 there. Where a loss changes the other classes too, it ends at ψ(θ1) = φ(θ2),
with φ of the other class as the loss counts it. ArcFace has θ2 = θ1 + m, so that its margin is m whatever θ_w;
CosFace's, 2·arcsin(m/(2·sin(θ_w/2))), falls with θ_w; SphereFace's, (m − 1)/(m + 1)·θ_w, grows.

Source: the picture of X2-Softmax (Xu et al., 2024, arXiv:2312.05281, figure 4); the criterion in margin_growth is our
derivation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from marginface.errors import InputError
from marginface.losses.margin import ChangesOthers
from marginface.losses.theory.curve import TargetCurve
from marginface.values import BoolArray, DoubleArray

_STEADY = 1e-6  # radians of margin per radian of class angle that count as neither growing nor falling
_HALVINGS = 50
_STEPS = 181  # places of a feature between two centers at which it is asked whether its class is in one piece
_PROBED = np.linspace(0.0, 3.0, 13)


def boundary(curve: TargetCurve, theta1: DoubleArray) -> DoubleArray:
    """Return θ2 = arccos ψ(θ1): a feature θ1 from its center belongs to it while the other center is farther.

    NaN where ψ < −1: such a feature cannot be told to be of its class; 0 where ψ ≥ 1: it always is.

    Raises:
        InputError: the margin changes the other class or looks at it: class_margin has its boundary.
    """
    target = _alone(curve)(theta1)
    return np.where(target < -1, np.nan, np.arccos(np.clip(target, -1, 1)))


def feasibility_angle(curve: TargetCurve) -> float:
    """Return arccos ψ(0): two centers nearer than this cannot both have their margin.

    ψ(0) is the target cosine of a perfect feature, which must exceed the cosine to the other center. π if none does.
    For a margin that looks at the other center or changes its cosine, the smallest class angle with that property.
    """
    if is_of_target_alone(curve):
        return math.acos(min(1.0, max(-1.0, float(curve(np.zeros(1))[0]))))
    angles: list[float] = np.radians(np.linspace(0.1, 180, 1800)).tolist()
    high = next((angle for angle in angles if _perfect(curve, angle) >= 0), None)
    if high is None:
        return math.pi
    low = high - angles[0]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _perfect(curve, middle) >= 0 else (middle, high)
    return high


def _perfect(curve: TargetCurve, class_angle: float) -> float:
    """Return the excess of a feature on its own center."""
    return float(replace(curve, class_angle=class_angle).excess(np.zeros(1), np.array([class_angle]))[0])


def class_margin(curve: TargetCurve, class_angles: DoubleArray) -> DoubleArray:
    """Return the margin θ2 − θ1 (K,) at class angles θ_w in (0, π] (K,); NaN where there is none.

    There is none where the two centers are too near for it, and where ``in_pieces``. Solved by bisection for the θ1 at
    which the class ends. A negative margin means that both classes claim the middle.

    >>> from marginface.losses import ArcFace
    >>> np.degrees(class_margin(TargetCurve(ArcFace(0.5)), np.radians([60.0, 120.0]))).round(2).tolist()
    [28.65, 28.65]
    """
    return _at_each(curve, class_angles, _solved)


def in_pieces(curve: TargetCurve, class_angles: DoubleArray) -> BoolArray:
    """Say at which class angles (K,) a class is in pieces: a feature on its way to the other center leaves and returns.

    There are then several boundaries and no one margin. It happens where ψ rises with the angle, or φ does.
    """
    return _at_each(curve, class_angles, _returns).astype(np.bool_)


def is_of_target_alone(curve: TargetCurve) -> bool:
    """Say whether ψ is all of a margin: it changes no other class, and does not look at where the others are."""
    return not isinstance(curve.margin, ChangesOthers) and not looks_at_the_other(curve)


def _at_each(
    curve: TargetCurve, class_angles: DoubleArray, answer: Callable[[TargetCurve, DoubleArray], DoubleArray]
) -> DoubleArray:
    """Return the answers at class angles: at once, or one by one for a margin that looks at the centers."""
    between = np.asarray(class_angles, dtype=np.float64)
    if not _is_told_by_the_centers(curve):
        return answer(curve, between)
    each = [answer(replace(curve, class_angle=angle), np.array([angle])) for angle in between.tolist()]
    return np.concatenate([*each, np.empty(0)])


def _solved(curve: TargetCurve, between: DoubleArray) -> DoubleArray:
    low, high = np.zeros_like(between), between
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        inside = curve.excess(middle, between - middle) > 0
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    feasible = curve.excess(np.zeros_like(between), between) >= 0
    return np.where(feasible & (_returns(curve, between) == 0), between - 2 * low, np.nan)


def _returns(curve: TargetCurve, between: DoubleArray) -> DoubleArray:
    """Return 1 where a feature that walks from its own center to the other enters its class again, else 0."""
    theta1 = np.linspace(0, 1, _STEPS)[:, None] * between
    inside = curve.excess(theta1.ravel(), (between - theta1).ravel()).reshape(theta1.shape) > 0
    left_before = np.logical_or.accumulate(~inside[1:], axis=0)  # the own center itself may be level with the other
    return np.asarray((left_before[:-1] & inside[2:]).any(axis=0), dtype=np.float64)


def looks_at_the_other(curve: TargetCurve) -> bool:
    """Say whether ψ changes with the place of the other center."""
    far, near = replace(curve, class_angle=math.pi), replace(curve, class_angle=0.6)
    return not np.array_equal(far(_PROBED), near(_PROBED))


def _is_told_by_the_centers(curve: TargetCurve) -> bool:
    """Say whether two angles of a feature are not enough to know its excess: the one between the centers counts too."""
    far, near = replace(curve, class_angle=math.pi), replace(curve, class_angle=0.6)
    return not np.array_equal(far.excess(_PROBED, _PROBED), near.excess(_PROBED, _PROBED))


def _alone(curve: TargetCurve) -> TargetCurve:
    if not is_of_target_alone(curve):
        raise InputError(
            f"the target cosine alone does not tell where a class of {type(curve.margin).__name__} ends: it changes "
            "the other classes' cosines or looks at them. class_margin has its margin at an angle between two centers"
        )
    return curve


def margin_growth(curve: TargetCurve, theta1: DoubleArray) -> DoubleArray:
    r"""Return d margin/dθ_w at the class angle whose boundary is θ1 from the own center; NaN where there is none.

    By ψ(θ1) = cos θ2, dθ2/dθ1 = r = −ψ'(θ1)/√(1 − ψ(θ1)²), so that the growth is (r − 1)/(r + 1): the margin grows
    with the angle between the classes exactly where |ψ'(θ1)| > √(1 − ψ(θ1)²).

    Raises:
        InputError: as boundary.
    """
    target = _alone(curve)(theta1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = -curve.slope(theta1) / np.sqrt(1 - np.square(target))
        return np.where(np.abs(target) < 1, (ratio - 1) / (ratio + 1), np.nan)


def falling_ranges(curve: TargetCurve, points: int = 20_001) -> tuple[tuple[float, float], ...]:
    """Return the ranges of feasible class angles (from, to) in which the margin falls as the classes move apart.

    >>> from marginface.losses import X2Softmax
    >>> [(round(math.degrees(a), 1), round(math.degrees(b), 1)) for a, b in falling_ranges(TargetCurve(X2Softmax()))]
    [(49.5, 93.9)]
    """
    theta1 = np.linspace(1e-4, math.pi, points)
    between = theta1 + boundary(curve, theta1)
    falls = (margin_growth(curve, theta1) < -_STEADY) & (between <= math.pi)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], falls, [False])).astype(int)))
    return tuple((float(between[first]), float(between[last - 1])) for first, last in edges.reshape(-1, 2))
