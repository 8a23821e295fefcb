"""CosFace (also AM-Softmax): a margin on the cosine."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from marginface.errors import InputError
from marginface.losses.margin import MarginContext


@dataclass(frozen=True)
class CosFace:
    r"""Additive cosine margin: ψ(θ) = cos θ − m.

    Source: Wang et al., "CosFace", CVPR 2018, arXiv:1801.09414 (m = 0.35, s = 64). The same function as Wang et al.,
    "Additive Margin Softmax", 2018, arXiv:1801.05599 (m = 0.35, s = 30). insightface trains with m = 0.4.

    Attributes:
        margin: m, a difference of cosines. With C ≤ D + 1 classes a margin above C/(C − 1) cannot be met.
    """

    margin: float = 0.35

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 2:
            raise InputError(f"margin of cosface is a difference of cosines, 0 ≤ m ≤ 2; got {self.margin}. Usual: 0.35")

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos θ − m."""
        return cosine - self.margin
