"""X2-Softmax: a quadratic of the angle instead of its cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from marginface.errors import InputError
from marginface.losses.angle import angle, squared_angle
from marginface.losses.margin import HeadFacts, MarginContext
from marginface.losses.theory.class_angle import falling_ranges
from marginface.losses.theory.curve import TargetCurve


@dataclass(frozen=True)
class X2Softmax:
    r"""Quadratic target: ψ(θ) = a·(θ − h)² + k.

    Source: Xu et al., "X2-Softmax", Expert Systems with Applications 2024, arXiv:2312.05281 (s = 64). The values
    −0.9, 0, 0.65 are those of the training command in the authors' code. −0.5, 0, 1 is the Taylor series of the cosine,
    nearly without margin.

    With h = 0 the derivative by the cosine, −2aθ/sin θ, is finite at θ = 0 (limit −2a) and grows without bound only
    towards π. With h < 0 it grows towards 0 as well; with h > 0 it has the wrong sign for θ < h.

    Attributes:
        a: curvature, below 0.
        h: the angle of the vertex, in radians.
        k: the value at the vertex.
    """

    a: float = -0.9
    h: float = 0.0
    k: float = 0.65

    def __post_init__(self) -> None:
        if not -math.inf < self.a < 0:
            raise InputError(
                f"a of x2softmax is below 0, so that the logit falls with the angle; got {self.a}. Usual: -0.9"
            )
        if not abs(self.h) <= math.pi or not math.isfinite(self.k):
            raise InputError(f"h of x2softmax is an angle in [-π, π] and k finite; got h {self.h}, k {self.k}")

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return a·(θ − h)² + k."""
        square = squared_angle(cosine)
        if self.h != 0:
            square = square - 2 * self.h * angle(cosine) + self.h**2
        return self.a * square + self.k

    @property
    def feasibility_angle(self) -> float:
        """Return arccos(k − |a|·h²) in radians: two centers closer than this cannot both have their margin.

        ψ(0) = k − |a|·h² is the target logit of a perfect feature, and it must exceed the cosine to the other center.

        >>> round(math.degrees(X2Softmax().feasibility_angle), 1)
        49.5
        """
        return math.acos(min(1.0, max(-1.0, self.k - abs(self.a) * self.h**2)))

    def cautions(self, facts: HeadFacts, /) -> tuple[str, ...]:  # noqa: ARG002
        """Return where the margin is not feasible, and where it does not grow with the angle between the classes."""
        found = []
        if self.feasibility_angle > 0:
            found.append(
                f"x2softmax: two centers nearer than {math.degrees(self.feasibility_angle):.1f}° cannot both have "
                "their margin (arccos(k − |a|·h²))"
            )
        for low, high in falling_ranges(TargetCurve(self)):
            found.append(
                f"x2softmax: between class angles of {math.degrees(low):.0f}° and {math.degrees(high):.0f}° the margin "
                "falls as classes move apart; with h = 0, k = 1 and |a| > 0.5 it grows everywhere"
            )
        return tuple(found)
