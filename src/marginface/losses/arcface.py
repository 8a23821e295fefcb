"""ArcFace: a margin on the angle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.angle import sine
from marginface.losses.margin import HeadFacts, MarginContext
from marginface.registry import near_names

PastPi = Literal["continue", "fallback", "plain", "easy", "clip"]


@dataclass(frozen=True)
class ArcFace:
    r"""Additive angular margin: ψ(θ) = cos(θ + m).

    Source: Deng et al., "ArcFace", CVPR 2019, arXiv:1801.07698 (m = 0.5 rad, s = 64).
    Beyond θ = π − m the cosine would rise again. ``past_pi`` names what happens there:

    - ``continue``: cos θ − (1 − cos m), continuous and falling;
    - ``fallback``: cos θ − m·sin m, falls by a step at π − m (first public code);
    - ``plain``: cos(θ + m) everywhere, rises beyond π − m (insightface since 2022);
    - ``easy``: the margin only for θ < 90°, cos θ beyond; jumps up by sin m at 90°;
    - ``clip``: cos(min(θ + m, π)) = −1, flat: no gradient beyond (AdaFace).

    Attributes:
        margin: m in radians.
        past_pi: the treatment beyond π − m.

    >>> ArcFace(margin=0.5)(torch.tensor([1.0, 0.0]), MarginContext.of_curve(torch.ones(2)))
    tensor([ 0.8776, -0.4794])
    """

    margin: float = 0.5
    past_pi: PastPi = "continue"

    def __post_init__(self) -> None:
        if not 0 <= self.margin < math.pi:
            raise InputError(
                f"margin of arcface is an angle in radians, 0 ≤ m < π; got {self.margin} (degrees? 28.6° is 0.5)"
            )
        choices = list(get_args(PastPi))
        if self.past_pi not in choices:
            near = near_names(str(self.past_pi), choices)
            raise InputError(f"past_pi of arcface is one of {', '.join(choices)}; got {self.past_pi!r}. {near}".strip())

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos(θ + m), with the chosen treatment beyond π − m."""
        shifted = cosine * math.cos(self.margin) - sine(cosine) * math.sin(self.margin)
        if self.past_pi == "plain":
            return shifted
        if self.past_pi == "easy":
            return torch.where(cosine > 0, shifted, cosine)
        return torch.where(cosine > -math.cos(self.margin), shifted, self._beyond(cosine))

    def _beyond(self, cosine: Tensor) -> Tensor:
        if self.past_pi == "fallback":
            return cosine - self.margin * math.sin(self.margin)
        if self.past_pi == "clip":
            return torch.full_like(cosine, -1.0)
        return cosine - (1 - math.cos(self.margin))

    def cautions(self, facts: HeadFacts, /) -> tuple[str, ...]:
        """Return what the chosen treatment does to features on the far side, where it does harm."""
        joint = math.degrees(math.pi - self.margin)
        if self.margin > 0 and self.past_pi == "plain" and facts.gradient == "exact":
            return (
                f"past_pi = 'plain': beyond {joint:.1f}° cos(θ + m) rises, and the exact gradient pushes a feature "
                "further away from its centre; 'continue' falls everywhere",
            )
        if self.margin > 0 and self.past_pi == "easy":
            return (
                f"past_pi = 'easy': the target cosine jumps up by {math.sin(self.margin):.2f} at 90°, so that a "
                "feature beyond is cheaper than one before; 'continue' falls everywhere",
            )
        return ()
