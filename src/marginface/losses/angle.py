"""Angles of cosines with gradients that stay finite and right up to the poles.

The derivatives of arccos c and √(1 − c²) are infinite at c = ±1, and clamping the argument turns them into 0 or NaN.
Here the value is computed from the clamped cosine, and the derivative from sin θ kept at or above √ε (ε of the dtype),
the sine of the number next to 1: within (−1, 1) the derivative is the analytic one, at a pole it is the one of the
nearest cosine inside. Only first derivatives are provided.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def _clamped_sine(cosine: Tensor) -> Tensor:
    # (1 − c)(1 + c) and not 1 − c²: the first is exact where it matters, next to ±1.
    return ((1 - cosine) * (1 + cosine)).sqrt()


def _with_slope(value: Tensor, slope: Tensor, cosine: Tensor) -> Tensor:
    """Return the value, with the given derivative by the cosine."""
    return value + slope * (cosine - cosine.detach())


def _inside(cosine: Tensor) -> tuple[Tensor, Tensor]:
    """Return the detached cosine within [−1, 1] and its sine, at least √ε."""
    inside = cosine.detach().clamp(-1, 1)
    return inside, _clamped_sine(inside).clamp_min(math.sqrt(torch.finfo(cosine.dtype).eps))


def angle(cosine: Tensor) -> Tensor:
    """Return θ = arccos c in radians, with dθ/dc = −1/sin θ."""
    inside, floored_sine = _inside(cosine)
    return _with_slope(inside.acos(), -1 / floored_sine, cosine)


def sine(cosine: Tensor) -> Tensor:
    """Return sin θ = √(1 − c²), with d sin θ/dc = −cos θ/sin θ."""
    inside, floored_sine = _inside(cosine)
    return _with_slope(_clamped_sine(inside), -inside / floored_sine, cosine)


def squared_angle(cosine: Tensor) -> Tensor:
    """Return θ² with dθ²/dc = −2θ/sin θ, whose limit at c = 1 is −2: no pole there, unlike ``angle(c) ** 2``."""
    inside, floored_sine = _inside(cosine)
    theta = inside.acos()
    ratio = torch.where(inside == 1, torch.ones_like(theta), theta / floored_sine)
    return _with_slope(theta.square(), -2 * ratio, cosine)


def of_angle(cosine: Tensor, value: Callable[[Tensor], Tensor], derivative: Callable[[Tensor], Tensor], /) -> Tensor:
    """Return f(θ) with df/dc = −f'(θ)/sin θ, for any curve f that has no closed form in the cosine.

    At a pole the derivative is taken at the angle √ε away from it, as of the nearest cosine inside: it is finite there
    even where f' or its quotient by sin θ is not.

    Args:
        cosine: (N,)
        value: f, angles (N,) in [0, π] → (N,).
        derivative: f' by the angle; it is asked for angles in [√ε, π − √ε] only.

    >>> of_angle(torch.tensor([1.0, 0.5]), torch.cos, lambda theta: -torch.sin(theta))
    tensor([1.0000, 0.5000])
    """
    inside, floored_sine = _inside(cosine)
    theta, edge = inside.acos(), math.sqrt(torch.finfo(cosine.dtype).eps)
    slope = -derivative(theta.clamp(edge, math.pi - edge)) / floored_sine
    return _with_slope(value(theta), slope, cosine)
