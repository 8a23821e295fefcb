"""The combined margin: a multiple of the angle, a margin on the angle and a margin on the cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.angle import of_angle
from marginface.losses.margin import MarginContext
from marginface.losses.past_pi import PastPi, check_past_pi


@dataclass(frozen=True)
class CombinedMargin:
    r"""SphereFace, ArcFace and CosFace in one: ψ(θ) = cos(m1·θ + m2) − m3.

    Source: Deng et al., "ArcFace", CVPR 2019, arXiv:1801.07698, section 2.2, where CM1 is (1, 0.3, 0.2), s = 64.
    arcface_torch of insightface refuses m1 ≠ 1, and silently leaves out m2 where m3 > 0.

    Where m1·θ + m2 passes π the cosine would rise again. ``past_pi`` names what takes the place of cos(m1·θ + m2)
    there, at and beyond the angle θ' = (π − m2)/m1:

    - ``continue``: cos θ − cos θ' − 1, continuous and falling (ours);
    - ``fallback``: cos θ − m2·sin m2, a step; for m1 = 1 only;
    - ``plain``: cos(m1·θ + m2) everywhere, rises (public code);
    - ``easy``: cos θ beyond 90° already; jumps up there;
    - ``clip``: −1, flat: no gradient beyond.

    m3 is taken off everywhere.

    Attributes:
        m1: the factor of the angle, above 0, at most 10. Below 1 it needs m2 or m3 to be a margin at all.
        m2: added to the angle, radians.
        m3: taken off the cosine.
        past_pi: the treatment beyond θ'.

    >>> CombinedMargin()(torch.tensor([1.0, 0.0]), MarginContext.of_curve(torch.ones(2)))
    tensor([ 0.7553, -0.4955])
    """

    m1: float = 1.0
    m2: float = 0.3
    m3: float = 0.2
    past_pi: PastPi = "continue"

    def __post_init__(self) -> None:
        if not (0 < self.m1 <= 10 and 0 <= self.m2 < math.pi and 0 <= self.m3 <= 2):
            raise InputError(
                f"combined has a factor 0 < m1 ≤ 10, an angle in radians 0 ≤ m2 < π and a difference of cosines "
                f"0 ≤ m3 ≤ 2; got {self.m1}, {self.m2}, {self.m3}. Usual: 1, 0.3, 0.2"
            )
        check_past_pi("combined", self.past_pi)
        if self.past_pi == "fallback" and self.m1 != 1:
            raise InputError(f"past_pi 'fallback' of combined is for m1 = 1; got m1 {self.m1}. Take 'continue'.")

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos(m1·θ + m2) − m3, with the chosen treatment where the angle passes π."""
        m1, m2 = self.m1, self.m2
        shifted = of_angle(
            cosine, lambda theta: torch.cos(m1 * theta + m2), lambda theta: -m1 * torch.sin(m1 * theta + m2)
        )
        if self.past_pi != "plain":
            shifted = torch.where(cosine > self._joint, shifted, self._beyond(cosine))
        return shifted - self.m3

    @property
    def _joint(self) -> float:
        """The cosine at which the treatment begins; below −1 if there is no such angle."""
        if self.past_pi == "easy":
            return 0.0
        turn = (math.pi - self.m2) / self.m1
        return math.cos(turn) if turn < math.pi else -2.0

    def _beyond(self, cosine: Tensor) -> Tensor:
        if self.past_pi == "easy":
            return cosine
        if self.past_pi == "fallback":
            return cosine - self.m2 * math.sin(self.m2)
        if self.past_pi == "clip":
            return torch.full_like(cosine, -1.0)
        return cosine - self._joint - 1
