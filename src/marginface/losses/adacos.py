"""AdaCos: the scale that the batch asks for, and the fixed one that it starts from."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses.margin import MarginContext
from marginface.losses.scale import checked_scale
from marginface.losses.theory.bounds import adacos_scale

_LEAST, _MOST = 1.0, 128.0


def adacos_start(num_classes: int) -> float:
    r"""Fixed scale of AdaCos, no margin: ψ(θ) = cos θ, s = √2·ln(C − 1).

    Source: Zhang et al., "AdaCos: Adaptively Scaling Cosine Logits for Effectively Learning Deep Face Representations",
    CVPR 2019, arXiv:1905.00292: s at which P of the true class bends most at θ = π/4, the other classes at
    90°. It is ``theory.adacos_scale``; for one class or two, where the formula has no positive value, it is 1.

    >>> round(adacos_start(10_572), 2)
    13.1
    """
    return adacos_scale(num_classes) if num_classes > 2 else _LEAST


class AdaCos(nn.Module):
    r"""Scale by the batch, no margin: ψ(θ) = cos θ, s ← ln(B)/cos(min(π/4, θ_med)).

    B = 1/N·Σ_i Σ_{j≠y_i} exp(s·cos θ_ij), with the s of the batch before; θ_med is the median of the angles to the true
    centers. At first s = √2·ln(C − 1). As the angles shrink, so does s, and the task stays hard enough to teach.

    Source: Zhang et al., "AdaCos", CVPR 2019, arXiv:1905.00292. The batch sets s before its own loss is
    computed. The paper has no bounds for s: it is negative where few classes all have negative cosines, and it grows
    without end (by up to √2 a batch) while features are nearer than 45° to centers that are not theirs, of which users
    of public code report. Here s stays in [1, 128].

    s is a buffer and learns in training mode only; a widespread port also moves it in evaluation, until it is NaN. The
    sum is that of exp(s·(cos θ − ½)), which does not overflow for any s up to 128; where it underflows in float32, s
    would be below 1 anyway. Samples with label −1 do not count. Of an even number of angles the median is the smaller
    of the middle two. No gradient goes through s.

    Args:
        scale: s at first.

    Attributes:
        scale: the present s, a scalar.

    Raises:
        InputError: s is not above 0, or above 128.
    """

    keeps_center_norms = False
    scale: Tensor

    def __init__(self, scale: float) -> None:
        super().__init__()
        if checked_scale(scale) > _MOST:
            raise InputError(f"scale of adacos is where s starts, at most {_MOST:g}; got {scale}. Usual: none is given")
        self.register_buffer("scale", torch.tensor(float(scale)))

    def forward(self, context: MarginContext, /) -> Tensor:
        """Return the present s, a scalar without gradient."""
        return self.scale.to(context.features.dtype)

    def survey(self, others: Tensor, other: Tensor, target: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return Σ exp(s·(cos θ_j − ½)) over the other classes, one column (N, 1)."""
        terms = (self.scale * (others - 0.5)).exp()
        return torch.where(other, terms, torch.zeros_like(terms)).sum(1, keepdim=True)

    def observe(self, target: Tensor, context: MarginContext, /) -> None:
        """Set s by the samples of the batch that are present."""
        if not context.present.any():
            return
        log_mean = context.survey[context.present, 0].mean().log() + self.scale / 2
        median = target[context.present].clamp(-1, 1).acos().median()
        self.scale = (log_mean / median.clamp_max(math.pi / 4).cos()).clamp(_LEAST, _MOST).to(self.scale.dtype)

    def report(self, step: int) -> Mapping[str, float]:  # noqa: ARG002
        """Return the present s."""
        return {"scale": self.scale.item()}
