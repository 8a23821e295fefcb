"""ExpFace: a power of the angle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.angle import of_angle
from marginface.losses.margin import MarginContext


@dataclass(frozen=True)
class ExpFace:
    r"""Power of the angle: ψ(θ) = cos(π·(θ/π)^m), with m < 1.

    Source: Zheng and Gong, "ExpFace: Exponential Angular Margin Loss for Deep Face Recognition", 2025,
    arXiv:2509.19753. The formula is the paper's; m is that of public code (about 0.7 or 0.6, trained
    straight-through). The paper's own values were not read, s = 64 is assumed.

    The curve keeps ψ(0) = 1 and ψ(π) = −1, so any two centers can have their margin. Its exact derivative by the
    cosine, m·(θ/π)^(m−1)·sin(π(θ/π)^m)/sin θ, grows like θ^(2m−2) towards θ = 0 and is infinite there; the code gives
    the one at the nearest cosine inside, θ = √ε: about 165 in float32 for m = 0.7. Towards π its limit is m².

    Attributes:
        margin: m, the exponent, above 0, at most 1; 1 is no margin, and a smaller m is a larger margin.

    >>> ExpFace(0.5)(torch.tensor([1.0, 0.0]), MarginContext.of_curve(torch.ones(2)))
    tensor([ 1.0000, -0.6057])
    """

    margin: float = 0.7

    def __post_init__(self) -> None:
        if not 0 < self.margin <= 1:
            raise InputError(
                f"margin of expface is an exponent, 0 < m ≤ 1, where 1 is no margin; got {self.margin}. Usual: 0.7"
            )

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos(π·(θ/π)^m)."""
        return of_angle(cosine, lambda theta: torch.cos(self._moved(theta)), self._derivative)

    def _moved(self, theta: Tensor) -> Tensor:
        return math.pi * (theta / math.pi) ** self.margin

    def _derivative(self, theta: Tensor) -> Tensor:
        return -self.margin * (theta / math.pi) ** (self.margin - 1) * torch.sin(self._moved(theta))
