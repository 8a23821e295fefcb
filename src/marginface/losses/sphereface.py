"""SphereFace (A-Softmax) and SphereFace-R: the angle multiplied."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.angle import of_angle
from marginface.losses.margin import MarginContext
from marginface.losses.multiplicative import Annealing, falling_cosine


@dataclass(frozen=True)
class SphereFace:
    r"""Multiplied angle, centers normalized, features not: z_y = ‖x‖·f(θ_y), z_j = ‖x‖·cos θ_j, no bias.

    ψ(θ) = (−1)^k·cos(mθ) − 2k for kπ/m ≤ θ ≤ (k + 1)π/m, f = (λ·cos θ + ψ)/(1 + λ),
    λ = max(floor, base·(1 + gamma·step)^(−power)): almost no margin at first.

    Source: Liu et al., "SphereFace", CVPR 2017, arXiv:1704.08063 (m = 4). Annealing as in the authors' training
    files: 1000, 0.12, 1, floor 5, reached near step 1,660. So the loss that trains is (5·cos θ + ψ)/6 and never ψ. The
    authors' layer also rescales the gradient, which is then not that of the printed loss; ours is. Public ports that
    take k = floor(mθ/π) have a step too many at θ = π.

    There is no scale: the feature norms are learned. For a whole m, cos(mθ) is a Chebyshev polynomial; a real m, such
    as 1.7 of later work, takes the same ψ with an arccos and safe gradients.

    Attributes:
        margin: m, 1 … 10; 1 is no margin.
        base: λ at step 0.
        gamma: γ, per step.
        power: of the decay.
        floor: the smallest λ.

    >>> context = MarginContext.of_curve(torch.tensor([0.0]), step=28_000)
    >>> SphereFace()(torch.tensor([0.0]), context)
    tensor([-0.5000])
    """

    margin: float = 4
    base: float = 1000
    gamma: float = 0.12
    power: float = 1
    floor: float = 5

    def __post_init__(self) -> None:
        check_multiple("sphereface", self.margin, usual=4)
        _ = self.annealing

    @property
    def annealing(self) -> Annealing:
        """λ by the step."""
        return Annealing(self.base, self.gamma, self.power, self.floor)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        """Return (λ·cos θ + ψ)/(1 + λ)."""
        return self.annealing.blend(cosine, falling_cosine(cosine, self.margin), context.step)

    def report(self, step: int) -> Mapping[str, float]:
        """Return the λ in effect."""
        return {"annealing": self.annealing.at(step)}


@dataclass(frozen=True)
class SphereFaceR:
    r"""Multiplied angle that stops at π, all normalized: ψ(θ) = cos(min(m, π/θ)·θ) = cos(min(mθ, π)).

    Source: Liu et al., "SphereFace Revived", TPAMI 2022, arXiv:2109.05565, version 1 with hard feature normalization
    (m = 1.7, s = 30; the authors take 64 on large data). The formula is from memory, not verified: neither the paper's
    equations nor a head of that name in the authors' code could be read. Version 2, which moves the margin to the other
    classes, is not built for the same reason.

    Beyond θ = π/m, 105.9° for 1.7, the curve is flat: no exact gradient there. ``gradient="straight_through"`` of the
    head is what the paper calls characteristic gradient detachment, and is how the authors train.

    Attributes:
        margin: m, 1 … 10; 1 is no margin.

    >>> SphereFaceR(2.0)(torch.tensor([1.0, 0.5, -0.5]), MarginContext.of_curve(torch.ones(3)))
    tensor([ 1.0000, -0.5000, -1.0000])
    """

    margin: float = 1.7

    def __post_init__(self) -> None:
        check_multiple("sphereface_r", self.margin, usual=1.7)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos(min(mθ, π))."""
        m = self.margin
        return of_angle(
            cosine,
            lambda theta: torch.cos((m * theta).clamp_max(math.pi)),
            lambda theta: torch.where(m * theta < math.pi, -m * torch.sin(m * theta), torch.zeros_like(theta)),
        )


def check_multiple(name: str, margin: float, *, usual: float) -> None:
    """Raise InputError unless the margin of this loss is a factor in [1, 10]."""
    if not 1 <= margin <= 10:
        raise InputError(f"margin of {name} multiplies the angle, 1 ≤ m ≤ 10; got {margin}. Usual: {usual}")
