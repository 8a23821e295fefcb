"""MV-Softmax: a margin on the target, and a push for the classes that it loses against."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.margin import MarginContext
from marginface.losses.past_pi import PastPi, add_angle, check_angle, check_past_pi


@dataclass(frozen=True)
class MVSoftmax:
    r"""Cosine margin, hard negatives pushed: ψ(θ) = cos θ − m, φ(θ_j) = t·cos θ_j + t − 1 where hard.

    Class j ≠ y is hard where cos θ_j > cos θ_y − m; the others keep φ = cos θ_j. As φ − cos θ_j =
    (t − 1)·(cos θ_j + 1), the nearer class is pushed the more.

    Source: Wang et al., "Mis-classified Vector Guided Softmax Loss for Face Recognition" (MV-AM-Softmax), AAAI 2020,
    arXiv:1912.00833. The paper was not read: formula and values (t = 1.12, m = 0.35, s = 32) are those of public code,
    that of FaceX-Zoo. That code leaves out the margin where cos θ_y ≤ m, so that the target jumps up by m there; here
    ψ = cos θ − m everywhere.

    No gradient goes through the choice of what is hard; the exact factor of a hard negative is t. Straight-through: by
    the cosines it is s·(p − onehot), p from the changed cosines.

    Attributes:
        margin: m, a difference of cosines.
        t: the weight of hard negatives, 1 or above; 1 is CosFace.

    >>> cosines, target = torch.tensor([[0.9, 0.6, 0.1]]), torch.tensor([0.9])
    >>> MVSoftmax().others(cosines, target, target - 0.35, MarginContext.of_curve(target))[0, 1:]
    tensor([0.7920, 0.1000])
    """

    margin: float = 0.35
    t: float = 1.12

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 2:
            raise InputError(
                f"margin of mv_softmax is a difference of cosines, 0 ≤ m ≤ 2; got {self.margin}. Usual: 0.35"
            )
        _check_weight("mv_softmax", self.t)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos θ − m."""
        return cosine - self.margin

    def others(self, others: Tensor, target: Tensor, margined: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return t·cos θ_j + t − 1 where hard, else cos θ_j."""
        return pushed(others, target.detach() - self.margin, self.t)


@dataclass(frozen=True)
class MVArcSoftmax:
    r"""Angular margin, hard negatives pushed: ψ(θ) = cos(θ + m), φ(θ_j) = t·cos θ_j + t − 1 where hard.

    Class j ≠ y is hard where cos θ_j > cos(θ_y + m); the others keep φ = cos θ_j.

    Source: Wang et al., "Mis-classified Vector Guided Softmax Loss for Face Recognition" (MV-Arc-Softmax), AAAI 2020,
    arXiv:1912.00833. The paper was not read: the formula and t = 1.12, s = 32 are those of public code, FaceX-Zoo's;
    m = 0.5 is ArcFace's and unverified here. That code has ``past_pi`` "easy".

    No gradient goes through the choice of what is hard; the exact factor of a hard negative is t. Straight-through: by
    the cosines it is s·(p − onehot), p from the changed cosines.

    Attributes:
        margin: m in radians.
        t: the weight of hard negatives, 1 or above; 1 is ArcFace.
        past_pi: the treatment of the target beyond π − m, see ArcFace. What is hard is told by cos(θ_y + m)
            in any case.

    >>> cosines, target = torch.tensor([[0.9, 0.6, 0.7]]), torch.tensor([0.9])
    >>> MVArcSoftmax().others(cosines, target, target, MarginContext.of_curve(target))[0, 1:]
    tensor([0.7920, 0.9040])
    """

    margin: float = 0.5
    t: float = 1.12
    past_pi: PastPi = "continue"

    def __post_init__(self) -> None:
        check_angle("mv_softmax_arc", self.margin)
        check_past_pi("mv_softmax_arc", self.past_pi)
        _check_weight("mv_softmax_arc", self.t)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos(θ + m), with the chosen treatment beyond π − m."""
        return add_angle(cosine, self.margin, self.past_pi)

    def others(self, others: Tensor, target: Tensor, margined: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return t·cos θ_j + t − 1 where hard, else cos θ_j."""
        return pushed(others, add_angle(target.detach(), self.margin, "plain"), self.t)


def pushed(others: Tensor, bar: Tensor, t: float) -> Tensor:
    """Return t·c + t − 1 for cosines c (N, C') above the bar (N,) of their sample, the others as they are."""
    return torch.where(others > bar[:, None], t * others + (t - 1), others)


def _check_weight(name: str, t: float) -> None:
    if not 1 <= t <= 10:
        raise InputError(f"t of {name} is the weight of hard negatives, 1 ≤ t ≤ 10; got {t}. Usual: 1.12")
