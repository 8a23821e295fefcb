"""The margin between two classes, slowly: one class angle at a time, by bisection on a curve written from its paper."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch

from oracles.hard_negatives import Other, Target

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


def class_margin_of_both(target: Target, other: Other, class_angle: float, steps: int = 4000) -> float:
    """Return θ2 − θ1 where a feature on its way from its own center to the other first loses: ψ(θ1) = φ(θ2).

    NaN if it loses on its own center, or wins again after it has lost.
    """

    def wins(theta1: float) -> bool:
        angles = [torch.tensor(theta, dtype=torch.float64) for theta in (theta1, class_angle - theta1)]
        return bool(target(angles, 0) > other(angles, 0, 1))

    places = [class_angle * step / steps for step in range(1, steps)]
    won = [wins(place) for place in places]
    if not won[0] or any(after and not before for before, after in pairwise(won)):
        return math.nan
    low, high = places[won.index(False) - 1], places[won.index(False)]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if wins(middle) else (low, middle)
    return class_angle - 2 * low


def class_margin(curve: AngleCurve, class_angle: float) -> float:
    """Return θ2 − θ1 where ψ(θ1) = cos θ2 and θ1 + θ2 is the class angle; NaN if not even θ1 = 0 is good enough."""
    if curve(0.0) < math.cos(class_angle):
        return math.nan
    low, high = 0.0, class_angle
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if curve(middle) > math.cos(class_angle - middle) else (low, middle)
    return class_angle - 2 * low
