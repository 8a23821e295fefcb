"""NPCFace: the harder the other classes of a sample, the larger its margin."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.hard_classes import check_finite, nearer_than_angle_margin
from marginface.losses.margin import MarginContext
from marginface.losses.past_pi import PastPi, add_angle, check_angle, check_past_pi


@dataclass(frozen=True)
class NPCFace:
    r"""Margin by the hard classes: ψ(θ) = cos(θ + m_i), m_i = m0 + m1·(mean cos θ_j over the hard classes of sample i).

    φ(θ_j) = t·cos θ_j + a for the hard classes, those with cos θ_j > cos(θ_y + m), else cos θ_j. Without a hard class
    m_i = m0. The mean carries no gradient.

    Source: Zeng et al., "NPCFace", 2020, arXiv:2007.10172. All defaults (m = 0.5, m0 = 0.4, m1 = 0.2, t = 1.1, a = 0.2,
    s = 64) are those of a public port by other authors; the paper's were not read. The port's past_pi is "easy".

    Attributes:
        margin: m in radians: which classes are hard.
        m0: the margin without hard classes, in radians.
        m1: how much of the mean cosine is added; m0 + m1 stays below π, m0 − m1 at or above 0.
        t: factor of a hard class.
        a: what is added to a hard class.
        past_pi: the treatment beyond π − m_i, see ArcFace.
    """

    margin: float = 0.5
    m0: float = 0.4
    m1: float = 0.2
    t: float = 1.1
    a: float = 0.2
    past_pi: PastPi = "continue"

    def __post_init__(self) -> None:
        check_angle("npcface", self.margin)
        check_past_pi("npcface", self.past_pi)
        check_finite("npcface", m1=self.m1, t=self.t, a=self.a)
        check_angle("npcface", self.m0 + self.m1)
        if self.m0 < self.m1:
            raise InputError(f"m0 of npcface is at least m1, or margins are negative; got {self.m0} and {self.m1}")

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        """Return cos(θ + m_i), with the chosen treatment beyond π − m_i."""
        return add_angle(cosine, self.m0 + self.m1 * _mean(context.survey, cosine), self.past_pi)

    def survey(self, others: Tensor, other: Tensor, target: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return the sum of the cosines of the hard classes, and their number (N, 2)."""
        hard = nearer_than_angle_margin(others, target, self.margin) & other
        return torch.stack((torch.where(hard, others, 0).sum(1), hard.sum(1).to(others.dtype)), dim=1)

    def others(self, others: Tensor, target: Tensor, margined: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return t·cos θ_j + a for the hard classes."""
        hard = nearer_than_angle_margin(others, target, self.margin)
        return torch.where(hard, self.t * others + self.a, others)


def _mean(survey: Tensor, cosine: Tensor) -> Tensor:
    """Return the mean cosine of the hard classes (N,), 0 where there is none or nobody looked."""
    if survey.shape[1] == 0:
        return torch.zeros_like(cosine)
    return survey[:, 0] / survey[:, 1].clamp_min(1)
