"""Circle loss, the form with class centres: every cosine pulled by how far it is from where it should be."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from marginface.errors import InputError
from marginface.losses.margin import MarginContext


@dataclass(frozen=True)
class Circle:
    r"""Self-paced weights: ψ(θ) = α_p·(cos θ − (1 − m)), φ(θ_j) = α_n·(cos θ_j − m).

    α_p = [1 + m − cos θ_y]₊ and α_n = [cos θ_j + m]₊ carry no gradient: they say how hard a cosine is pulled, and the
    exact gradient here is the one of the paper, with the factors α. In value ψ = m² − (1 − cos θ)².

    Source: Sun et al., "Circle Loss", CVPR 2020, arXiv:2002.10857 (m = 0.25, γ = 256, here the scale, for face
    recognition with class centres).

    Another class with −m < cos θ_j < 0 has a logit that falls as it comes nearer; its gradient, by the detached α_n,
    still pushes it away.

    Attributes:
        margin: m, in [0, 1).
    """

    margin: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.margin < 1:
            raise InputError(f"margin of circle is a difference of cosines, 0 ≤ m < 1; got {self.margin}. Usual: 0.25")

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return α_p·(cos θ − (1 − m))."""
        weight = (1 + self.margin - cosine.detach()).clamp_min(0)
        return weight * (cosine - (1 - self.margin))

    def others(self, others: Tensor, target: Tensor, margined: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return α_n·(cos θ_j − m)."""
        return (others.detach() + self.margin).clamp_min(0) * (others - self.margin)
