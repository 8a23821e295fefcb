"""ArcNegFace: every other class weighed by how near it is to the margined true class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.hard_classes import check_finite
from marginface.losses.margin import MarginContext
from marginface.losses.past_pi import PastPi, add_angle, check_angle, check_past_pi


@dataclass(frozen=True)
class ArcNegFace:
    r"""ArcFace with weighted others: ψ(θ) = cos(θ + m); φ(θ_j) = t_j·cos θ_j + t_j − 1.

    t_j = α·exp(−(cos θ_j − ψ(θ_y))²/σ): a class at the margined cosine of the true one has the largest weight, α, and
    counts more than without; one far from it, at either side, counts less. t_j carries no gradient, so that the exact
    gradient of a class has the factor t_j.

    Source: Liu et al., "Towards Flops-constrained Face Recognition", ICCV Workshops 2019, arXiv:1909.00632. m = 0.5,
    α = 1.2, σ = 2, s = 64 and the detached weight are those of a public port by other authors, whose past_pi is
    "fallback"; the paper's own values were not read.

    Attributes:
        margin: m in radians.
        alpha: α, the largest weight.
        sigma: σ, the width, a squared difference of cosines.
        past_pi: the treatment beyond π − m, see ArcFace.
    """

    margin: float = 0.5
    alpha: float = 1.2
    sigma: float = 2.0
    past_pi: PastPi = "continue"

    def __post_init__(self) -> None:
        check_angle("arcnegface", self.margin)
        check_past_pi("arcnegface", self.past_pi)
        check_finite("arcnegface", alpha=self.alpha, sigma=self.sigma)
        if self.sigma == 0:
            raise InputError("sigma of arcnegface is above 0; got 0. Usual: 2")

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos(θ + m), with the chosen treatment beyond π − m."""
        return add_angle(cosine, self.margin, self.past_pi)

    def others(self, others: Tensor, target: Tensor, margined: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return t_j·cos θ_j + t_j − 1."""
        gap = others.detach() - self(target.detach(), context)[:, None]
        weight = self.alpha * torch.exp(-gap.square() / self.sigma)
        return weight * others + weight - 1
