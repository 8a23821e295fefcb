"""SFace: sigmoids of the angle say how hard each sample is pulled and each other class pushed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.errors import InputError


@dataclass(frozen=True)
class SFace:
    r"""Sigmoid-constrained hypersphere loss, no softmax: −[r_y]·s·cos θ_y + Σ_{j≠y} [r_j]·s·cos θ_j.

    r_y = σ(k·(θ_y − a)),  r_j = σ(−k·(θ_j − b)),  [·] carries no gradient.

    Source: Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition", IEEE TIP 2021,
    arXiv:2205.12010; s, k, a, b are the defaults of the authors' class, their command for CASIA-WebFace has a = 0.87,
    b = 1.20. (Another "SFace", of Boutros et al., is a set of drawn faces.)

    The brackets are part of the formula: they are what "exact" differentiates, and there is no other gradient. The
    gradient by a cosine is its bracket times s, never more than s; a sample nearer than about a is left in peace, and
    a class farther than about b too. So the value is no distance from perfect: it is below 0 on the way, about 0 at the
    end, and it rises and falls with the angle. Watch the cosines of the journal, not the loss.

    The authors' code takes arccos without a clamp: a cosine that rounding puts above 1 is NaN there. Here it is 1.

    Attributes:
        scale: s.
        k: steepness of both sigmoids, 1/rad.
        a: angle to the own center below which the pull stops, radians.
        b: angle to another center above which the push stops, radians.

    >>> SFace().positive(torch.tensor([0.9, 0.5])).round(decimals=1)  # 26° and 60° from the own center
    tensor([ -0., -32.])
    """

    scale: float = 64.0
    k: float = 80.0
    a: float = 0.80
    b: float = 1.23

    def __post_init__(self) -> None:
        if not (0 < self.scale < math.inf and 0 < self.k < math.inf):
            raise InputError(f"scale and k of sface are above 0; got {self.scale} and {self.k}. Usual: 64 and 80")
        if not (0 <= self.a <= math.pi and 0 <= self.b <= math.pi):
            raise InputError(
                f"a and b of sface are angles in radians, 0 to π; got {self.a} and {self.b} (degrees? 45.8° is 0.80)"
            )

    def positive(self, own: Tensor, /) -> Tensor:
        """Return −[σ(k(θ_y − a))]·s·cos θ_y."""
        return -torch.sigmoid(self.k * (_angle(own) - self.a)) * self.scale * own

    def negative(self, others: Tensor, /) -> Tensor:
        """Return [σ(−k(θ_j − b))]·s·cos θ_j."""
        return torch.sigmoid(self.k * (self.b - _angle(others))) * self.scale * others


def _angle(cosine: Tensor) -> Tensor:
    """Return θ in radians, without gradient."""
    return cosine.detach().clamp(-1, 1).acos()
