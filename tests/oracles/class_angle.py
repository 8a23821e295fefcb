"""The margin between two classes, slowly: one class angle at a time, by bisection on a curve written from its paper."""

from __future__ import annotations

import math
from collections.abc import Callable

AngleCurve = Callable[[float], float]  # an angle θ in radians → the target cosine


def cosface(margin: float) -> AngleCurve:
    return lambda theta: math.cos(theta) - margin


def arcface(margin: float) -> AngleCurve:
    """By its paper; beyond π − m, where the paper has nothing, the continuation."""
    return lambda theta: (
        math.cos(theta + margin) if theta + margin < math.pi else math.cos(theta) - 1 + math.cos(margin)
    )


def sphereface(margin: float) -> AngleCurve:
    """(−1)^k·cos(mθ) − 2k on the k-th of its pieces."""

    def curve(theta: float) -> float:
        piece = min(math.floor(margin * theta / math.pi), math.ceil(margin) - 1)
        return (-1) ** piece * math.cos(margin * theta) - 2 * piece

    return curve


def x2softmax(a: float, h: float, k: float) -> AngleCurve:
    return lambda theta: a * (theta - h) ** 2 + k


def expface(exponent: float) -> AngleCurve:
    return lambda theta: math.cos(math.pi * (theta / math.pi) ** exponent)


def class_margin(curve: AngleCurve, class_angle: float) -> float:
    """Return θ2 − θ1 where ψ(θ1) = cos θ2 and θ1 + θ2 is the class angle; NaN if not even θ1 = 0 is good enough."""
    if curve(0.0) < math.cos(class_angle):
        return math.nan
    low, high = 0.0, class_angle
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if curve(middle) > math.cos(class_angle - middle) else (low, middle)
    return class_angle - 2 * low
