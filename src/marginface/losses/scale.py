"""What multiplies the cosines: a fixed s, one that is learned, or norms that the network is free to choose.

A scale is called with the context and returns s, () for all samples or (N, 1). Where it keeps the norms of the centers,
a logit is s·‖W_j‖·cos θ_j. Like a margin it may survey, observe and report (losses.margin); what it surveys is seen by
its ``observe``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses.margin import MarginContext


class Scale(Protocol):
    """s of the papers; ``keeps_center_norms``: whether the lengths of the centers are part of the logits."""

    keeps_center_norms: bool

    def __call__(self, context: MarginContext, /) -> Tensor:
        """Return s, () or (N, 1)."""
        ...


class FixedScale(nn.Module):
    """The same s for all. Usual: 64.

    Raises:
        InputError: s is not above 0.
    """

    keeps_center_norms = False

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = checked_scale(value)

    def forward(self, context: MarginContext) -> Tensor:
        """Return s, a scalar."""
        return context.features.new_full((), self.value)


class LearnedScale(nn.Module):
    """One s that is learned with the centers (NormFace, arXiv:1704.06369, section 3.3, where it is ℓ²).

    Args:
        value: s at first.

    Raises:
        InputError: s is not above 0.
    """

    keeps_center_norms = False

    def __init__(self, value: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(checked_scale(value)))

    def forward(self, context: MarginContext) -> Tensor:
        """Return s, a scalar with gradient."""
        return self.scale.to(context.features.dtype)

    def report(self, step: int) -> Mapping[str, float]:  # noqa: ARG002
        """Return the present s."""
        return {"scale": self.scale.item()}


class FeatureNormScale(nn.Module):
    """‖x‖: the centers have length 1, the feature keeps its own (A-Softmax/SphereFace, arXiv:1704.08063)."""

    keeps_center_norms = False

    def forward(self, context: MarginContext) -> Tensor:
        """Return the norm of each feature (N, 1), with gradient."""
        return context.feature_norms[:, None]


class NormProductScale(nn.Module):
    """‖x‖‖W_j‖: nothing is normalized, the logits are inner products (L-Softmax, arXiv:1612.02295)."""

    keeps_center_norms = True

    def forward(self, context: MarginContext) -> Tensor:
        """Return the norm of each feature (N, 1), with gradient; that of the center is in the logit."""
        return context.feature_norms[:, None]


def checked_scale(value: float) -> float:
    """Return a scale, or raise InputError if it is not above 0."""
    if not 0 < value < float("inf"):
        raise InputError(f"scale is above 0; got {value}. Usual: 64")
    return float(value)
