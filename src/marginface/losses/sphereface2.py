"""SphereFace2: C binary classifications on the sphere."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses.one_vs_all import softplus


class SphereFace2(nn.Module):
    r"""Yes or no for every class, no softmax: σ(s·(g(cos θ_y) − m) + b) of the true, σ(s·(g(cos θ_j) + m) + b) else.

    The loss is the binary cross entropy of all of them, with a margin on both sides:
    w/s·( α·log(1 + e^{−s·(g(cos θ_y) − m) − b}) + (1 − α)·Σ_{j≠y} log(1 + e^{s·(g(cos θ_j) + m) + b}) ),
    g(z) = 2·((z + 1)/2)^t − 1.

    Source: Wen et al., "SphereFace2: Binary Classification is All You Need for Deep Face Recognition", ICLR 2022,
    arXiv:2108.01513, variant C; the defaults are those of the authors' OpenSphere for CASIA-WebFace. For MS1M it has
    α = 0.8, s = 64, m = 0.5.

    Their code gives only the cosine a gradient ("characteristic gradient detachment"): it is the "straight_through" of
    the head, and the default here, "exact", is the derivative of the formula above. Theirs sets the centers to length 1
    at each step and does not differentiate that; here the length of a center has no influence and no gradient.

    Args:
        num_classes: C, for the first bias.
        scale: s, "r" of the paper.
        margin: m on the curved cosine g.
        t: exponent of g, which spreads the cosines of the near; 1 is none.
        alpha: α in (0, 1), the share of the true class, "λ" of the paper.
        weight: w, on all of it.

    Attributes:
        bias: b, one for all classes, learned; ``first_bias`` at first.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        scale: float = 40.0,
        margin: float = 0.4,
        t: float = 3.0,
        alpha: float = 0.7,
        weight: float = 50.0,
    ) -> None:
        super().__init__()
        if not (0 < scale < math.inf and 0 < weight < math.inf):
            raise InputError(f"scale and weight of sphereface2 are above 0; got {scale} and {weight}. Usual: 40 and 50")
        if not 0 <= margin <= 2 or not 1 <= t < math.inf:
            raise InputError(f"sphereface2 has 0 ≤ margin ≤ 2 and t ≥ 1; got {margin} and {t}. Usual: 0.4 and 3")
        if not 0 < alpha < 1:
            raise InputError(f"alpha of sphereface2 is the share of the true class, 0 < α < 1; got {alpha}. Usual: 0.7")
        self.scale, self.margin, self.t, self.alpha, self.weight = scale, margin, t, alpha, weight
        at_right_angles = 2 * 0.5**t - 1
        own, others = scale * (at_right_angles - margin), scale * (at_right_angles + margin)
        self.bias = nn.Parameter(torch.tensor(first_bias(num_classes, own, others, alpha)))

    def own(self, target: Tensor, /) -> Tensor:
        """Return g(cos θ_y) − m."""
        return self._curved(target) - self.margin

    def others(self, others: Tensor, /) -> Tensor:
        """Return g(cos θ_j) + m."""
        return self._curved(others) + self.margin

    def positive(self, own: Tensor, /) -> Tensor:
        """Return the term of the true class."""
        return self.weight / self.scale * self.alpha * softplus(-(self.scale * own + self.bias))

    def negative(self, others: Tensor, /) -> Tensor:
        """Return the terms of other classes."""
        return self.weight / self.scale * (1 - self.alpha) * softplus(self.scale * others + self.bias)

    def report(self, step: int) -> Mapping[str, float]:  # noqa: ARG002
        """Return the present b."""
        return {"bias": self.bias.item()}

    def _curved(self, cosine: Tensor) -> Tensor:
        # Rounding may put a cosine below −1, and a power of a negative number is NaN.
        return 2 * ((cosine + 1) / 2).clamp_min(0) ** self.t - 1


def first_bias(num_classes: int, own: float, others: float, alpha: float) -> float:
    r"""Return the b at which a head whose logits are all the same costs least.

    ``own`` and ``others`` are the logits of the true and of any other class, without b, where every angle is 90°, as
    between random vectors. With z = α/((1 − α)(C − 1)), q = e^{own − others} and u = e^{b + others}, the derivative of
    α·log(1 + e^{−own − b}) + (1 − α)(C − 1)·log(1 + e^{others + b}) is 0 where q·u² + (1 − z)·u − z = 0.

    The authors' code writes the root as 2z/(1 − z + √…), which is 0/0 in floating point for z > 1 and small q, that is
    for few classes: with C = 2, α = 0.8, s = 64 and m = 0.5 it takes the logarithm of 0. There the other form of the
    same root holds. A single class is taken for one of two.

    >>> round(first_bias(10_572, -46.0, -14.0, 0.7), 2)
    5.58
    """
    z = alpha / ((1 - alpha) * max(num_classes - 1, 1))
    root = math.sqrt((1 - z) ** 2 + 4 * z * math.exp(own - others))
    if z <= 1:
        return math.log(2 * z) - others - math.log(1 - z + root)
    return math.log((z - 1 + root) / 2) - own
