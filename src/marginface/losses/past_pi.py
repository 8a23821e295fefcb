"""cos(θ + m), and what takes its place beyond π − m, where it would rise again. ArcFace's docstring has the choices."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.angle import sine
from marginface.registry import near_names

PastPi = Literal["continue", "fallback", "plain", "easy", "clip"]


def check_past_pi(name: str, choice: str) -> None:
    """Raise InputError unless the choice of this loss is one of PastPi."""
    choices = list(get_args(PastPi))
    if choice not in choices:
        near = near_names(str(choice), choices)
        raise InputError(f"past_pi of {name} is one of {', '.join(choices)}; got {choice!r}. {near}".strip())


def check_angle(name: str, margin: float) -> None:
    """Raise InputError unless the margin of this loss is an angle in [0, π)."""
    if not 0 <= margin < math.pi:
        raise InputError(f"margin of {name} is an angle in radians, 0 ≤ m < π; got {margin} (degrees? 28.6° is 0.5)")


def add_angle(cosine: Tensor, margin: float | Tensor, past_pi: PastPi) -> Tensor:
    """Return cos(θ + m), with the chosen treatment beyond π − m.

    Args:
        cosine: (N,)
        margin: m in radians, below π: one for all, or one for each cosine (N,). Where it is negative, θ + m never
            passes π and all choices but "easy" give cos(θ + m).
        past_pi: the treatment.
    """
    m = margin if isinstance(margin, Tensor) else cosine.new_full((), margin)
    shifted = cosine * m.cos() - sine(cosine) * m.sin()
    if past_pi == "plain":
        return shifted
    if past_pi == "easy":
        return torch.where(cosine > 0, shifted, cosine)
    return torch.where((cosine > -m.cos()) | (m < 0), shifted, _beyond(cosine, m, past_pi))


def _beyond(cosine: Tensor, m: Tensor, past_pi: PastPi) -> Tensor:
    if past_pi == "fallback":
        return cosine - m * m.sin()
    if past_pi == "clip":
        return torch.full_like(cosine, -1.0)
    return cosine - (1 - m.cos())
