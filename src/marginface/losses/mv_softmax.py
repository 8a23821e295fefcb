"""MV-Softmax: a margin on the true class, and more weight on the classes that a feature is mistaken for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.hard_classes import check_finite, nearer_than_angle_margin
from marginface.losses.margin import MarginContext
from marginface.losses.past_pi import PastPi, add_angle, check_angle, check_past_pi


@dataclass(frozen=True)
class MVCosine:
    r"""MV-AM-Softmax: ψ(θ) = cos θ − m; φ(θ_j) = t·cos θ_j + t − 1 where cos θ_j > cos θ_y − m, else cos θ_j.

    t·cos θ_j + t − 1 = cos θ_j + (t − 1)·(1 + cos θ_j): a hard class is made nearer, the more the nearer it is.

    Source: Wang et al., "Mis-classified Vector Guided Softmax Loss", AAAI 2020, arXiv:1912.00833 (m = 0.35, t = 1.12
    and s = 32, as a public port by other authors has them; the paper's own table was not read). That port leaves out
    the margin where cos θ_y ≤ m, so that its logit jumps up by m there; this does not.

    Attributes:
        margin: m, a difference of cosines.
        t: the weight, at least 1.

    >>> context, others = MarginContext.of_curve(torch.tensor([0.5])), torch.tensor([[0.1, 0.4]])
    >>> MVCosine().others(others, torch.tensor([0.5]), torch.tensor([0.15]), context)
    tensor([[0.1000, 0.5680]])
    """

    margin: float = 0.35
    t: float = 1.12

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 2:
            raise InputError(f"margin of mv_am is a difference of cosines, 0 ≤ m ≤ 2; got {self.margin}. Usual: 0.35")
        _check_weight("mv_am", self.t)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos θ − m."""
        return cosine - self.margin

    def others(self, others: Tensor, target: Tensor, margined: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return t·cos θ_j + t − 1 for the hard classes."""
        hard = others.detach() > (target.detach() - self.margin)[:, None]
        return torch.where(hard, self.t * others + self.t - 1, others)


@dataclass(frozen=True)
class MVAngle:
    r"""MV-Arc-Softmax: ψ(θ) = cos(θ + m); φ(θ_j) = t·cos θ_j + t − 1 where cos θ_j > cos(θ_y + m), else cos θ_j.

    Source: Wang et al., "Mis-classified Vector Guided Softmax Loss", AAAI 2020, arXiv:1912.00833. Defaults as for
    mv_am, from the same port, whose past_pi is "easy".

    Attributes:
        margin: m in radians.
        t: the weight, at least 1.
        past_pi: the treatment beyond π − m, see ArcFace.
    """

    margin: float = 0.35
    t: float = 1.12
    past_pi: PastPi = "continue"

    def __post_init__(self) -> None:
        check_angle("mv_arc", self.margin)
        check_past_pi("mv_arc", self.past_pi)
        _check_weight("mv_arc", self.t)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos(θ + m), with the chosen treatment beyond π − m."""
        return add_angle(cosine, self.margin, self.past_pi)

    def others(self, others: Tensor, target: Tensor, margined: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return t·cos θ_j + t − 1 for the hard classes."""
        hard = nearer_than_angle_margin(others, target, self.margin)
        return torch.where(hard, self.t * others + self.t - 1, others)


def _check_weight(name: str, t: float) -> None:
    check_finite(name, t=t)
    if t < 1:
        raise InputError(f"t of {name} weighs hard classes more, so it is at least 1; got {t}. Usual: 1.12")
