"""ElasticFace: margins drawn anew for each sample, and its "+": the largest for the hardest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.margin import MarginContext
from marginface.losses.past_pi import PastPi, add_angle, check_past_pi

Assignment = Literal["rank", "upstream"]


@dataclass(frozen=True)
class ElasticArc:
    r"""Additive angular margin, drawn: ψ(θ_i) = cos(θ_i + E_i), E_i ~ N(m, σ) in training, E_i = m in evaluation.

    Source: Boutros et al., "ElasticFace", CVPR Workshops 2022, arXiv:2109.09416 (m = 0.5, σ = 0.05, s = 64; the class
    in the authors' code has σ = 0.0125 unless told). A draw is not truncated: below 0 it is an easier target. The
    numbers come from torch's generator, so ``torch.manual_seed`` repeats them. Public code has past_pi "plain".

    Attributes:
        margin: m, the mean, radians.
        sigma: σ, the standard deviation; m + 6σ stays below π.
        past_pi: the treatment beyond π − E, see ArcFace.

    >>> ElasticArc()(torch.tensor([1.0, 0.0]), MarginContext.of_curve(torch.ones(2), training=False))
    tensor([ 0.8776, -0.4794])
    """

    margin: float = 0.5
    sigma: float = 0.05
    past_pi: PastPi = "continue"

    def __post_init__(self) -> None:
        _check_angles("elastic_arc", self.margin, self.sigma)
        check_past_pi("elastic_arc", self.past_pi)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        """Return cos(θ + E), with the chosen treatment beyond π − E."""
        return add_angle(cosine, draw(self.margin, self.sigma, cosine, context), self.past_pi)


@dataclass(frozen=True)
class ElasticCos:
    r"""Additive cosine margin, drawn: ψ(θ_i) = cos θ_i − E_i, E_i ~ N(m, σ) in training, E_i = m in evaluation.

    Source: Boutros et al., "ElasticFace", CVPR Workshops 2022, arXiv:2109.09416 (m = 0.35, σ = 0.05, s = 64).

    Attributes:
        margin: m, the mean, a difference of cosines.
        sigma: σ, the standard deviation.

    >>> ElasticCos()(torch.tensor([1.0, 0.0]), MarginContext.of_curve(torch.ones(2), training=False))
    tensor([ 0.6500, -0.3500])
    """

    margin: float = 0.35
    sigma: float = 0.05

    def __post_init__(self) -> None:
        _check_cosines("elastic_cos", self.margin, self.sigma)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        """Return cos θ − E."""
        return cosine - draw(self.margin, self.sigma, cosine, context)


@dataclass(frozen=True)
class ElasticArcPlus:
    r"""Additive angular margin, drawn as in elastic_arc and handed out by rank: ψ(θ_i) = cos(θ_i + E_i).

    The smallest cosine of a batch gets the largest margin E of those drawn.

    Source: Boutros et al., "ElasticFace", CVPR Workshops 2022, arXiv:2109.09416 (ElasticFace-Arc+: m = 0.5,
    σ = 0.0175). The authors' code sorts the cosines, and then takes the order of the sort for the ranks: a sample gets
    the margin of another wherever the permutation is not its own inverse. ``assignment="upstream"`` repeats that fault,
    to compare with that code.

    Attributes:
        margin: m, the mean, radians.
        sigma: σ, the standard deviation; m + 6σ stays below π.
        assignment: "rank" as the paper says, or "upstream".
        past_pi: the treatment beyond π − E, see ArcFace.
    """

    margin: float = 0.5
    sigma: float = 0.0175
    assignment: Assignment = "rank"
    past_pi: PastPi = "continue"

    def __post_init__(self) -> None:
        _check_angles("elastic_arc_plus", self.margin, self.sigma)
        _check_assignment("elastic_arc_plus", self.assignment)
        check_past_pi("elastic_arc_plus", self.past_pi)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        """Return cos(θ + E), with the chosen treatment beyond π − E."""
        margins = draw(self.margin, self.sigma, cosine, context)
        return add_angle(cosine, hand_out(margins, cosine, context.present, self.assignment), self.past_pi)


@dataclass(frozen=True)
class ElasticCosPlus:
    r"""Additive cosine margin, drawn as in elastic_cos and handed out by rank: ψ(θ_i) = cos θ_i − E_i.

    The smallest cosine of a batch gets the largest margin E of those drawn.

    Source: Boutros et al., "ElasticFace", CVPR Workshops 2022, arXiv:2109.09416 (ElasticFace-Cos+: m = 0.35,
    σ = 0.025; the authors' configuration has 0.02). For ``assignment`` see elastic_arc_plus.

    Attributes:
        margin: m, the mean, a difference of cosines.
        sigma: σ, the standard deviation.
        assignment: "rank" as the paper says, or "upstream".
    """

    margin: float = 0.35
    sigma: float = 0.025
    assignment: Assignment = "rank"

    def __post_init__(self) -> None:
        _check_cosines("elastic_cos_plus", self.margin, self.sigma)
        _check_assignment("elastic_cos_plus", self.assignment)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        """Return cos θ − E."""
        margins = draw(self.margin, self.sigma, cosine, context)
        return cosine - hand_out(margins, cosine, context.present, self.assignment)


def draw(mean: float, sigma: float, cosine: Tensor, context: MarginContext) -> Tensor:
    """Return a margin for each cosine (N,): drawn from N(mean, sigma) in training, else the mean."""
    if not context.training:
        return torch.full_like(cosine, mean)
    return mean + sigma * torch.randn_like(cosine)


def hand_out(margins: Tensor, cosine: Tensor, present: Tensor, assignment: Assignment) -> Tensor:
    """Return the margins (N,) of present samples permuted: the smallest cosine gets the largest.

    Args:
        margins: (N,)
        cosine: (N,)
        present: (N,) bool; other samples keep the margin they have.
        assignment: "rank"; or "upstream", which permutes by the inverse of what it should.

    >>> cosine, margins = torch.tensor([0.1, 0.9, 0.5]), torch.tensor([0.4, 0.6, 0.5])
    >>> hand_out(margins, cosine, cosine > 0, "rank")
    tensor([0.6000, 0.4000, 0.5000])
    """
    order = cosine.detach()[present].argsort(descending=True, stable=True)  # from the easiest to the hardest
    rising = margins[present].sort().values
    given = rising[order] if assignment == "upstream" else rising.index_copy(0, order, rising)
    return margins.masked_scatter(present, given)


def _check_angles(name: str, margin: float, sigma: float) -> None:
    if not (0 <= margin < math.pi and sigma >= 0 and margin + 6 * sigma < math.pi):
        raise InputError(
            f"margin and sigma of {name} are angles in radians, 0 ≤ m, 0 ≤ σ, m + 6σ < π; got {margin} and {sigma} "
            f"(degrees? 28.6° is 0.5)"
        )


def _check_cosines(name: str, margin: float, sigma: float) -> None:
    if not (0 <= margin <= 2 and 0 <= sigma <= 1):
        raise InputError(
            f"margin and sigma of {name} are differences of cosines, 0 ≤ m ≤ 2, 0 ≤ σ ≤ 1; got {margin} and {sigma}. "
            f"Usual: 0.35 and 0.05"
        )


def _check_assignment(name: str, assignment: str) -> None:
    if assignment not in get_args(Assignment):
        raise InputError(f"assignment of {name} is 'rank' or 'upstream'; got {assignment!r}")
