"""CurricularFace: hard classes count little at first and more as the training gets better."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses.hard_classes import nearer_than_angle_margin
from marginface.losses.margin import MarginContext
from marginface.losses.past_pi import PastPi, add_angle, check_angle, check_past_pi


class CurricularFace(nn.Module):
    r"""ArcFace whose hard other classes are weighed by the state of the training.

    ψ(θ) = cos(θ + m); φ(θ_j) = cos θ_j·(t + cos θ_j) where cos θ_j > cos(θ_y + m), else cos θ_j.
    t ← momentum·t + (1 − momentum)·mean cos θ_y, from 0: it grows with the cosines of the training. A hard class counts
    less than without while t + cos θ_j < 1, and more afterwards.

    Source: Huang et al., "CurricularFace", CVPR 2020, arXiv:2004.00288 (m = 0.5, s = 64, momentum 0.99). The paper's
    equation prints the two weights of t the other way round; the authors confirm their code, which is this. t learns
    from a batch before the batch is judged by it, as there. Samples with label −1 do not count. The authors' past_pi is
    "fallback".

    With the exact gradient a hard class has the factor t + 2·cos θ_j.

    Args:
        margin: m in radians.
        momentum: what stays of t at each batch.
        past_pi: the treatment beyond π − m, see ArcFace.

    Attributes:
        t: a buffer, a scalar.

    Raises:
        InputError: an argument is out of range.

    >>> CurricularFace().report(0)
    {'t': 0.0}
    """

    t: Tensor

    def __init__(self, *, margin: float = 0.5, momentum: float = 0.99, past_pi: PastPi = "continue") -> None:
        super().__init__()
        check_angle("curricularface", margin)
        check_past_pi("curricularface", past_pi)
        if not 0 <= momentum <= 1:
            raise InputError(f"momentum of curricularface is what stays of t, in [0, 1]; got {momentum}. Usual: 0.99")
        self.margin, self.momentum, self.past_pi = margin, momentum, past_pi
        self.register_buffer("t", torch.zeros(()))

    def forward(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos(θ + m), with the chosen treatment beyond π − m."""
        return add_angle(cosine, self.margin, self.past_pi)

    def others(self, others: Tensor, target: Tensor, margined: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos θ_j·(t + cos θ_j) for the hard classes."""
        hard = nearer_than_angle_margin(others, target, self.margin)
        return torch.where(hard, others * (self.t.to(others.dtype) + others), others)

    def observe(self, target: Tensor, context: MarginContext, /) -> None:
        """Let t learn from the cosines of the samples that are present."""
        if context.present.any():
            self.t.lerp_(target[context.present].mean().to(self.t.dtype), 1 - self.momentum)

    def report(self, step: int) -> Mapping[str, float]:  # noqa: ARG002
        """Return the present t."""
        return {"t": self.t.item()}
