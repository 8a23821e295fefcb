"""L-Softmax: the first angular margin, on plain inner products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from marginface.errors import InputError
from marginface.losses.margin import MarginContext
from marginface.losses.multiplicative import Annealing, falling_cosine


@dataclass(frozen=True)
class LSoftmax:
    r"""Multiplied angle, nothing normalized: z_y = ‖W_y‖‖x‖·f(θ_y), z_j = W_jᵀx, no bias.

    ψ(θ) = (−1)^k·cos(mθ) − 2k for kπ/m ≤ θ ≤ (k + 1)π/m, k = 0 … m − 1, with cos(mθ) as a Chebyshev polynomial.
    f = (λ·cos θ + ψ)/(1 + λ), λ = max(floor, base·(1 + gamma·step)^(−power)): almost no margin at first.

    Source: Liu et al., "Large-Margin Softmax Loss for Convolutional Neural Networks", ICML 2016, arXiv:1612.02295
    (m = 2 … 4; 4 is our default). Annealing as in the authors' layer: 1000, 2.5e-5, 35, floor 0; they advise a floor of
    5 to 10 where training is hard. pytorch-metric-learning has no annealing.

    There is no scale: the norms are learned, the centers' too.

    Attributes:
        margin: m, a whole number, 2 … 5.
        base: λ at step 0.
        gamma: γ, per step.
        power: of the decay.
        floor: the smallest λ.

    >>> import torch
    >>> curve = LSoftmax(margin=2)
    >>> context = MarginContext.of_curve(torch.tensor([1.0, 0.0]), step=200_000)
    >>> curve(torch.tensor([1.0, 0.0]), context)
    tensor([ 1., -1.])
    """

    margin: float = 4
    base: float = 1000
    gamma: float = 2.5e-5
    power: float = 35
    floor: float = 0

    def __post_init__(self) -> None:
        if self.margin not in (2, 3, 4, 5):
            raise InputError(
                f"margin of lsoftmax multiplies the angle: 2, 3, 4 or 5; got {self.margin}. "
                f"sphereface takes m in between as well."
            )
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
