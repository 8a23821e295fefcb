"""ArcNegFace: every impostor is weighted by how close it comes to the margined target."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.margin import MarginContext
from marginface.losses.past_pi import PastPi, add_angle, check_angle, check_past_pi


@dataclass(frozen=True)
class ArcNegFace:
    r"""Angular margin, negatives weighted by a Gaussian: ψ(θ) = cos(θ + m), φ(θ_j) = t_j·cos θ_j + t_j − 1.

    t_j = α·exp(−(cos θ_j − ψ(θ_y))²/σ), at most α where class j is level with the margined target.

    Source: Liu et al., "Towards Flops-constrained Face Recognition", ICCV Workshops 2019, arXiv:1909.00632. The paper
    was not read: the formula and α = 1.2, σ = 2, m = 0.5, s = 64 are those of public code, FaceX-Zoo's and others
    alike. σ stands in the place of twice a variance: with σ = 2 the standard deviation is 1.

    φ − cos θ_j = (t_j − 1)·(1 + cos θ_j): a class whose gap is below √(σ·ln α), 0.60, counts more than it would, one
    farther away less, be it below the target or above. So a class that a sample is hopelessly mistaken for, by more
    than 0.60, is let go.

    t_j is a weight: no gradient goes through it, as in public code, and the exact factor of negative j is t_j.
    Straight-through: by the cosines it is s·(p − onehot), p from the changed cosines; the factor is 1.

    Attributes:
        margin: m in radians.
        alpha: α, the weight of a class level with the target.
        sigma: σ, the width of the Gaussian, in squared cosines.
        past_pi: the treatment of the target beyond π − m, see ArcFace; public code has "fallback".

    >>> cosines, target = torch.tensor([[0.9, 0.9, -0.5]]), torch.tensor([0.9])
    >>> ArcNegFace().others(cosines, target, target, MarginContext.of_curve(target))[0, 1:]
    tensor([ 1.2800, -0.7748])
    """

    margin: float = 0.5
    alpha: float = 1.2
    sigma: float = 2.0
    past_pi: PastPi = "continue"

    def __post_init__(self) -> None:
        check_angle("arcnegface", self.margin)
        check_past_pi("arcnegface", self.past_pi)
        if not (0 < self.alpha <= 10 and 0 < self.sigma < float("inf")):
            raise InputError(
                f"alpha and sigma of arcnegface are height and width of a Gaussian, 0 < α ≤ 10, 0 < σ; got "
                f"{self.alpha} and {self.sigma}. Usual: 1.2 and 2"
            )

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos(θ + m), with the chosen treatment beyond π − m."""
        return add_angle(cosine, self.margin, self.past_pi)

    def others(self, others: Tensor, target: Tensor, margined: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return t_j·cos θ_j + t_j − 1."""
        gap = others.detach() - margined.detach()[:, None]
        weight = self.alpha * torch.exp(-gap.square() / self.sigma)
        return weight * others + (weight - 1)
