"""ψ of L-Softmax and SphereFace, a cosine of a multiple of the angle that falls all the way, and their annealing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.angle import of_angle


@dataclass(frozen=True)
class Annealing:
    """λ(step) = max(floor, base·(1 + γ·step)^(−power)), for f = (λ·cos θ + ψ)/(1 + λ).

    λ large is no margin, λ = 0 all of it. What stays in the end is the floor, not 0.

    >>> Annealing(1000, 0.12, 1, 5).at(0), Annealing(1000, 0.12, 1, 5).at(28_000)
    (1000.0, 5.0)
    """

    base: float
    gamma: float
    power: float
    floor: float

    def __post_init__(self) -> None:
        values = (self.base, self.gamma, self.power, self.floor)
        if not all(0 <= value < math.inf for value in values):
            raise InputError(
                f"base, gamma, power and floor of the annealing λ = max(floor, base·(1 + gamma·step)^(-power)) are "
                f"0 or above; got {', '.join(str(value) for value in values)}. base 0 and floor 0: no annealing."
            )

    def at(self, step: int) -> float:
        """Return λ at a step of the training."""
        return float(max(self.floor, self.base * (1 + self.gamma * step) ** -self.power))

    def blend(self, cosine: Tensor, margined: Tensor, step: int) -> Tensor:
        """Return (λ·cos θ + ψ)/(1 + λ) at a step."""
        weight = self.at(step)
        return (weight * cosine + margined) / (1 + weight)


def falling_cosine(cosine: Tensor, factor: float) -> Tensor:
    r"""Return ψ(θ) = (−1)^k·cos(mθ) − 2k for kπ/m ≤ θ ≤ (k + 1)π/m, with k at most m − 1 (m rounded up).

    It falls from 1 at θ = 0, to 1 − 2m at π if m is a whole number. k is the count of the angles π/m, 2π/m … below π
    that θ has passed, compared as cosines: floor(mθ/π) would give m at θ = π, a step too many.

    Args:
        cosine: (N,) cos θ.
        factor: m, at least 1.

    >>> falling_cosine(torch.tensor([1.0, 0.0, -1.0]), 4)
    tensor([ 1., -3., -7.])
    """
    k = torch.zeros_like(cosine)
    for passed in range(1, math.ceil(factor)):
        k = k + (cosine.detach() <= math.cos(passed * math.pi / factor))
    sign = 1 - 2 * k.remainder(2)
    return sign * _cosine_of_multiple(cosine, factor) - 2 * k


def _cosine_of_multiple(cosine: Tensor, factor: float) -> Tensor:
    """Return cos(mθ): for a whole m as the Chebyshev polynomial T_m(cos θ), which has no pole anywhere."""
    if factor != int(factor):
        return of_angle(
            cosine, lambda theta: torch.cos(factor * theta), lambda theta: -factor * torch.sin(factor * theta)
        )
    before, now = torch.ones_like(cosine), cosine
    for _ in range(int(factor) - 1):
        before, now = now, 2 * cosine * now - before  # T_{n+1} = 2c·T_n − T_{n−1}
    return now
