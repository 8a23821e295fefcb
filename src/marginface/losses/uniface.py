"""UniFace: one threshold for all samples and classes."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses.one_vs_all import softplus


class UniFace(nn.Module):
    r"""Yes or no for every class, no softmax: σ(s·(cos θ_y − m) − b) of the true one, σ(s·cos θ_j − b) of the others.

    The loss is the cross entropy of all of them with one threshold b ("unified"):
    log(1 + e^{−(s·(cos θ_y − m) − b)}) + w·Σ_{j≠y} log(1 + e^{s·cos θ_j − b}).

    Source: Zhou et al., "UniFace: Unified Cross-Entropy Loss for Deep Face Recognition", ICCV 2023. m, s and
    b = log(10·C) at first are those of the authors' code. b/s is the one similarity that should part genuine from
    impostor.

    Their code clamps both exponents to ±s, so a sample with s·(cos θ_y − m) − b < −s, one that is far from its center
    and needs it most, gets no gradient. Here nothing is clamped: log(1 + eᶻ) is computed without overflow at any z, so
    the value equals theirs inside ±s and the gradient σ(z) does not die outside. Their balancing of negatives (ratio r,
    and log(10·C·r) for b) is not built: every class counts, r = 1.

    The curves have the derivative 1, so the gradients "exact" and "straight_through" are the same, as with CosFace.

    Args:
        num_classes: C, for the first bias.
        scale: s.
        margin: m, a difference of cosines.
        weight: w of the other classes, "l" of the authors' code.

    Attributes:
        bias: b, learned; log(10·C) at first.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(self, num_classes: int, *, scale: float = 64.0, margin: float = 0.4, weight: float = 1.0) -> None:
        super().__init__()
        if not (0 < scale < math.inf and 0 < weight < math.inf):
            raise InputError(f"scale and weight of uniface are above 0; got {scale} and {weight}. Usual: 64 and 1")
        if not 0 <= margin <= 2:
            raise InputError(f"margin of uniface is a difference of cosines, 0 ≤ m ≤ 2; got {margin}. Usual: 0.4")
        self.scale, self.margin, self.weight = scale, margin, weight
        self.bias = nn.Parameter(torch.tensor(math.log(10 * max(num_classes, 1))))

    def own(self, target: Tensor, /) -> Tensor:
        """Return cos θ_y − m."""
        return target - self.margin

    def others(self, others: Tensor, /) -> Tensor:
        """Return the cosines as they are."""
        return others

    def positive(self, own: Tensor, /) -> Tensor:
        """Return the term of the true class."""
        return softplus(self.bias - self.scale * own)

    def negative(self, others: Tensor, /) -> Tensor:
        """Return the terms of other classes."""
        return self.weight * softplus(self.scale * others - self.bias)

    def report(self, step: int) -> Mapping[str, float]:  # noqa: ARG002
        """Return the present b, and the similarity b/s that it stands for."""
        return {"bias": self.bias.item(), "bias_similarity": self.bias.item() / self.scale}
