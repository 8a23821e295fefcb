"""AdaFace: the feature norm, taken as image quality, decides which samples the margin dwells on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses.margin import MarginContext
from marginface.losses.past_pi import add_angle
from marginface.registry import near_names

Outside = Literal["continue", "clip", "plain"]

_LEAST, _MOST = 1e-3, 100.0  # norms are kept between these
_TINY = 1e-3  # added to σ


class AdaFace(nn.Module):
    r"""Margin by image quality: ψ(θ) = cos(θ − m·ẑ) − (m + m·ẑ), ẑ = clip(h·(‖x‖ − μ)/σ, −1, 1).

    ẑ = −1, a short feature: cos(θ + m), ArcFace. ẑ = 0: cos θ − m, CosFace. ẑ = 1, a long feature: cos(θ − m) − 2m.
    μ and σ are running statistics of the norms, in buffers; the norms, kept in [0.001, 100], carry no gradient.

    Source: Kim et al., "AdaFace", CVPR 2022, arXiv:2204.00964 (m = 0.4, h = 0.333, s = 64). The authors' code adds
    0.001 to σ, and so does this.

    After each batch in training mode μ ← μ + t_alpha·(mean − μ), and likewise σ; μ = 20 and σ = 100 at first. A batch
    updates them before it is judged by them, as in the authors' code. t_alpha has three values in public: 1.0 is the
    default of the authors' class (each batch stands for itself), 0.01 is in their configuration, and the paper speaks
    of a momentum of 0.99, which is 1 − 0.01. The default here is 0.01: paper and configuration agree on it, and with
    1.0 ẑ of small batches is noise. σ then takes some 300 steps to come down from 100, and until then ẑ is near 0, so
    a training begins as CosFace.

    A batch with one sample has no standard deviation, and in public code σ, and all after it, becomes NaN. Here it
    updates μ alone. Samples with label −1 do not count.

    Where θ − m·ẑ leaves [0, π] the cosine would turn back. ``outside`` names what happens there, above π (short
    features far from their center) and below 0 (long features nearer than 23°):

    - ``continue``: with the slope of cos θ, continuous and falling;
    - ``clip``: 1 below 0, −1 above π, flat: no gradient (the authors' code);
    - ``plain``: the formula everywhere, which rises with the angle there.

    Args:
        margin: m, radians and a difference of cosines.
        h: how many standard deviations, as 1/h, make ẑ = ±1.
        t_alpha: the weight of a new batch in μ and σ.
        outside: the treatment outside [0, π].

    Attributes:
        norm_mean: μ.
        norm_std: σ.

    Raises:
        InputError: an argument is out of range.

    >>> AdaFace().quality(torch.tensor([20.0, 120.0]))
    tensor([0.0000, 0.2664])
    """

    norm_mean: Tensor
    norm_std: Tensor

    def __init__(
        self, *, margin: float = 0.4, h: float = 0.333, t_alpha: float = 0.01, outside: Outside = "continue"
    ) -> None:
        super().__init__()
        _check(margin, h, t_alpha, outside)
        self.margin, self.h, self.t_alpha, self.outside = margin, h, t_alpha, outside
        self.register_buffer("norm_mean", torch.tensor(20.0))
        self.register_buffer("norm_std", torch.tensor(100.0))

    def forward(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        """Return cos(θ − m·ẑ) − (m + m·ẑ)."""
        shift = self.margin * self.quality(context.feature_norms)
        return self._shifted(cosine, -shift) - (self.margin + shift)

    @torch.no_grad()
    def quality(self, norms: Tensor) -> Tensor:
        """Return ẑ in [−1, 1] of feature norms, without gradient."""
        deviation = (norms.clamp(_LEAST, _MOST) - self.norm_mean) / (self.norm_std + _TINY)
        return (self.h * deviation).clamp(-1, 1)

    def observe(self, target: Tensor, context: MarginContext, /) -> None:  # noqa: ARG002
        """Let μ and σ learn from the norms of the samples that are present."""
        norms = context.feature_norms[context.present].clamp(_LEAST, _MOST)
        if len(norms) > 0:
            self.norm_mean = torch.lerp(self.norm_mean, norms.mean(), self.t_alpha)
        if len(norms) > 1:
            self.norm_std = torch.lerp(self.norm_std, norms.std(), self.t_alpha)

    def report(self, step: int) -> Mapping[str, float]:  # noqa: ARG002
        """Return μ and σ."""
        return {"norm_mean": self.norm_mean.item(), "norm_std": self.norm_std.item()}

    def _shifted(self, cosine: Tensor, shift: Tensor) -> Tensor:
        """Return cos(θ + shift), with the chosen treatment outside [0, π]."""
        shifted = add_angle(cosine, shift, self.outside)
        if self.outside == "plain":
            return shifted
        below = torch.ones_like(cosine) if self.outside == "clip" else cosine + (1 - shift.cos())
        return torch.where((shift < 0) & (cosine > shift.cos()), below, shifted)


def _check(margin: float, h: float, t_alpha: float, outside: str) -> None:
    if not 0 <= margin < math.pi / 2:
        raise InputError(f"margin of adaface is an angle in radians, 0 ≤ m < π/2; got {margin}. Usual: 0.4")
    if not 0 <= h < math.inf:
        raise InputError(f"h of adaface is 0 or above; got {h}. Usual: 0.333, so that 3 σ are as far as it goes")
    if not 0 < t_alpha <= 1:
        raise InputError(
            f"t_alpha of adaface is the weight of a new batch, 0 < t_alpha ≤ 1; got {t_alpha}. Usual: 0.01, which "
            "is a momentum of 0.99"
        )
    choices = list(get_args(Outside))
    if outside not in choices:
        near = near_names(str(outside), choices)
        raise InputError(f"outside of adaface is one of {', '.join(choices)}; got {outside!r}. {near}".strip())
