"""Circle loss with class centers: each cosine is pulled the harder, the farther it is from where it should be."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from marginface.errors import InputError
from marginface.losses.margin import MarginContext


@dataclass(frozen=True)
class Circle:
    r"""Self-paced cosines: ψ(θ) = α_p·(cos θ − (1 − m)), φ(θ_j) = α_n·(cos θ_j − m), s = γ.

    α_p = max(0, 1 + m − cos θ), α_n = max(0, cos θ_j + m): weights, which carry no gradient.

    Source: Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity Optimization", CVPR 2020,
    arXiv:2002.10857, the form with class-level labels (m = 0.25, γ = 256). The values ψ = m² − (1 − cos θ)² and, above
    cos θ_j = −m, φ = cos² θ_j − m² give a decision boundary that is a circle: (1 − cos θ)² + cos² θ_j = 2m².

    With α_p and α_n held, as the paper and public code have it, the exact factors are α_p and α_n, half the derivatives
    of those values: by the cosines the gradient is γ·α_p·(p − 1) and γ·α_n·p_j. Finite differences of the loss do not
    give it. Below cos θ_j = −m, φ is 0 and has no gradient. Straight-through: by the cosines it is γ·(p − onehot), p
    from the changed cosines: the paces are lost, so it is for comparison only.

    Attributes:
        margin: m, a difference of cosines, 0 ≤ m ≤ 1.

    >>> import torch
    >>> Circle()(torch.tensor([1.0, 0.5]), MarginContext.of_curve(torch.ones(2)))
    tensor([ 0.0625, -0.1875])
    """

    margin: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 1:
            raise InputError(
                f"margin of circle is a difference of cosines, 0 ≤ m ≤ 1; got {self.margin}. Usual: 0.25 with scale 256"
            )

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return α_p·(cos θ − (1 − m))."""
        weight = (1 + self.margin - cosine.detach()).clamp_min(0)
        return weight * (cosine - (1 - self.margin))

    def others(self, others: Tensor, target: Tensor, margined: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return α_n·(cos θ_j − m)."""
        weight = (others.detach() + self.margin).clamp_min(0)
        return weight * (others - self.margin)
