"""MagFace: a margin that grows with the length of the feature, and a penalty that rewards long features."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from marginface.errors import InputError
from marginface.losses.margin import HeadFacts, MarginContext
from marginface.losses.past_pi import PastPi, add_angle, check_past_pi
from marginface.losses.theory.bounds import magface_penalty_bound


@dataclass(frozen=True)
class MagFace:
    r"""Additive angular margin by feature norm: ψ(θ) = cos(θ + m(a)), and λ_g·g(a) added to the loss.

    a = ‖x‖ kept in [l_a, u_a], m(a) = l_m + (u_m − l_m)·(a − l_a)/(u_a − l_a), g(a) = a/u_a² + 1/a.

    A long feature has a larger margin, which an easy image can afford; g falls up to u_a and rewards length. Between
    the two each feature finds one best norm, provided that λ_g is at least theory.magface_penalty_bound, 22.59 for the
    other defaults at s = 64: ``cautions`` says so where it is not.

    Source: Meng et al., "MagFace", CVPR 2021, arXiv:2103.06627 (m from 0.45 to 0.8, a from 10 to 110, λ_g = 35,
    s = 64). In the authors' code λ_g is 35 in the command and 20 in the default of its argument, below the bound. Their
    default treatment beyond π − m is "easy", of which the paper says nothing, and which jumps up at 90°.

    The gradient goes through the norm, in margin and penalty; outside [l_a, u_a] the clamp lets none through. With the
    gradient "straight_through" m(a) is detached as well: the margin then no longer holds the norm down, the penalty
    alone moves it, and every norm grows towards u_a.

    Attributes:
        lower_margin: l_m, the margin of a feature of norm l_a or less, radians.
        upper_margin: u_m, the margin of a feature of norm u_a or more, radians.
        lower_norm: l_a.
        upper_norm: u_a.
        weight: λ_g of the penalty.
        past_pi: the treatment beyond π − m, see ArcFace.

    >>> import torch
    >>> MagFace().margins(torch.tensor([3.0, 10.0, 60.0, 110.0]))
    tensor([0.4500, 0.4500, 0.6250, 0.8000])
    """

    lower_margin: float = 0.45
    upper_margin: float = 0.8
    lower_norm: float = 10.0
    upper_norm: float = 110.0
    weight: float = 35.0
    past_pi: PastPi = "continue"

    def __post_init__(self) -> None:
        if not 0 <= self.lower_margin <= self.upper_margin < math.pi:
            raise InputError(
                f"lower_margin and upper_margin of magface are angles in radians, 0 ≤ lower ≤ upper < π; got "
                f"{self.lower_margin} and {self.upper_margin}. Usual: 0.45 and 0.8"
            )
        if not 0 < self.lower_norm < self.upper_norm < math.inf:
            raise InputError(
                f"lower_norm and upper_norm of magface are 0 < lower < upper; got {self.lower_norm} and "
                f"{self.upper_norm}. Usual: 10 and 110"
            )
        if not 0 <= self.weight < math.inf:
            raise InputError(f"weight of magface, λ_g of the penalty, is 0 or above; got {self.weight}. Usual: 35")
        check_past_pi("magface", self.past_pi)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        """Return cos(θ + m(a)), with the chosen treatment beyond π − m(a)."""
        return add_angle(cosine, self.margins(context.feature_norms), self.past_pi)

    def margins(self, norms: Tensor) -> Tensor:
        """Return m(a) of feature norms, with gradient."""
        share = (self._kept(norms) - self.lower_norm) / (self.upper_norm - self.lower_norm)
        return self.lower_margin + (self.upper_margin - self.lower_margin) * share

    def penalty(self, context: MarginContext, /) -> Tensor:
        """Return λ_g·g(a) of each sample (N,)."""
        norms = self._kept(context.feature_norms)
        return self.weight * (norms / self.upper_norm**2 + 1 / norms)

    def cautions(self, facts: HeadFacts, /) -> tuple[str, ...]:
        """Return whether λ_g is below its bound, and whether the gradient leaves the norm to the penalty alone."""
        if facts.gradient == "straight_through":
            return (
                "magface: the straight-through gradient does not reach the norm through the margin, so the penalty "
                f'lets every norm grow to {self.upper_norm:g}; gradient = "exact" balances the two',
            )
        least = 0.0 if facts.scale is None else self._least_weight(facts.scale)
        if self.weight >= least:
            return ()
        return (
            f"magface: weight {self.weight:g} is below {least:.2f}, so a feature may have no best norm between "
            f"{self.lower_norm:g} and {self.upper_norm:g} (λ_g ≥ s·K·u²·l²/(u² − l²)); the paper has 35",
        )

    def _least_weight(self, scale: float) -> float:
        margins, norms = (self.lower_margin, self.upper_margin), (self.lower_norm, self.upper_norm)
        return magface_penalty_bound(scale, margins=margins, norms=norms)

    def _kept(self, norms: Tensor) -> Tensor:
        return norms.clamp(self.lower_norm, self.upper_norm)
