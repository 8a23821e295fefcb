"""NPCFace: the harder the impostors of a sample, the larger its own margin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.margin import MarginContext
from marginface.losses.past_pi import PastPi, add_angle, check_angle, check_past_pi


@dataclass(frozen=True)
class NPCFace:
    r"""Margin by the hard negatives, which are pushed: ψ(θ) = cos(θ + m0 + m1·c̄), φ(θ_j) = t·cos θ_j + a where hard.

    Class j ≠ y is hard where cos θ_j > cos(θ_y + m); the others keep φ = cos θ_j. c̄ is the mean cosine of the hard
    classes of a sample, 0 where none is hard. A class that becomes hard at a negative cosine makes the margin smaller,
    and ψ steps up there: at a given c̄ it falls with the angle, over all it need not.

    Source: Zeng et al., "NPCFace: Negative-Positive Collaborative Training for Large-scale Face Recognition", 2020,
    arXiv:2007.10172. The formula was taken from public code, that of FaceX-Zoo (m = 0.5, m0 = 0.4, m1 = 0.2, t = 1.1,
    a = 0.2, s = 64), whose file names two of the authors; the paper itself was not read. That code has
    ``past_pi`` "easy", does not normalize the features itself, and is configured with m = 0.35, s = 32.

    No gradient goes through c̄, nor through the choice of what is hard; the exact factor of a hard negative is t.
    Straight-through: by the cosines it is s·(p − onehot), p from the changed cosines.

    Attributes:
        margin: m in radians, which tells what is hard.
        m0: the margin of a sample without hard classes, radians.
        m1: what a mean cosine of 1 adds to it, radians; m1 ≤ m0 and m0 + m1 < π.
        t: the weight of hard negatives, 1 or above.
        a: what is added to them, 0 or above. With t ≥ 1 and a ≥ t − 1 a hard negative never counts less.
        past_pi: the treatment of the target beyond π − (m0 + m1·c̄), see ArcFace.

    >>> cosines, target = torch.tensor([[0.9, 0.6, 0.8]]), torch.tensor([0.9])
    >>> NPCFace().others(cosines, target, target, MarginContext.of_curve(target))[0, 1:]
    tensor([0.8600, 1.0800])
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
        if not (0 <= self.m1 <= self.m0 and self.m0 + self.m1 < math.pi):
            raise InputError(
                f"m0 and m1 of npcface are angles in radians, 0 ≤ m1 ≤ m0, m0 + m1 < π; got {self.m0} and {self.m1}. "
                f"Usual: 0.4 and 0.2"
            )
        if not (1 <= self.t <= 10 and 0 <= self.a <= 10):
            raise InputError(
                f"t and a of npcface make hard negatives larger, 1 ≤ t ≤ 10, 0 ≤ a ≤ 10; got {self.t} and {self.a}. "
                f"Usual: 1.1 and 0.2"
            )

    @torch.no_grad()
    def survey(self, others: Tensor, other: Tensor, target: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return the sum of the cosines of hard classes, and their number (N, 2)."""
        hard = self._hard(others, target) & other
        return torch.stack((torch.where(hard, others, 0.0).sum(1), hard.sum(1).to(others.dtype)), dim=1)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        """Return cos(θ + m0 + m1·c̄), with the chosen treatment beyond π."""
        return add_angle(cosine, self.margins(context.survey, cosine), self.past_pi)

    def margins(self, survey: Tensor, cosine: Tensor) -> Tensor:
        """Return m0 + m1·c̄ of each sample (N,) from the survey; m0 without one."""
        if survey.shape[1] == 0:
            return torch.full_like(cosine, self.m0)
        total, count = survey.unbind(1)
        return self.m0 + self.m1 * total / count.clamp_min(1)

    def others(self, others: Tensor, target: Tensor, margined: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return t·cos θ_j + a where hard, else cos θ_j."""
        return torch.where(self._hard(others, target), self.t * others + self.a, others)

    def _hard(self, others: Tensor, target: Tensor) -> Tensor:
        return others > add_angle(target.detach(), self.margin, "plain")[:, None]
