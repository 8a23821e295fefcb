"""Which other classes are hard for a sample: those that its feature is nearer to than the margin allows."""

from __future__ import annotations

import math

from torch import Tensor

from marginface.errors import InputError
from marginface.losses.past_pi import add_angle


def nearer_than_angle_margin(others: Tensor, target: Tensor, margin: float) -> Tensor:
    """Return where cos θ_j > cos(θ_y + m), bool (N, C'); cos(θ + m) as it is, beyond π − m too.

    Args:
        others: (N, C') cos θ_j.
        target: (N,) cos θ_y.
        margin: m in radians.
    """
    return others.detach() > add_angle(target.detach(), margin, "plain")[:, None]


def check_finite(name: str, **values: float) -> None:
    """Raise InputError unless each option of this loss is finite and not negative."""
    for option, value in values.items():
        if not 0 <= value < math.inf:
            raise InputError(f"{option} of {name} is a finite number, 0 or above; got {value}")
