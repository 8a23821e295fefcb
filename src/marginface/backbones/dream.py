r"""DREAM: a branch that moves the feature of a turned head towards the one it would have from the front.

Source: Cao et al., "Pose-Robust Face Recognition via Deep Residual Equivariant Mapping", CVPR 2018, arXiv:1803.00839:

    f' = f + g(yaw)·R(f),   g(yaw) = sigmoid(10·(|yaw| / 45° − 1))

R is two fully connected layers, each with ReLU. The gate is a soft one: 0.0002 at 0°, 0.5 at 45°, 0.9999 at 90°; its
slope is that of the authors' code (penincillin/DREAM). R begins with a last layer of zeros, so that a fresh branch
changes nothing (ours; theirs begins at torch's default).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

STEEPNESS = 10.0
HALF_OPEN = 45.0  # degrees


def gate(yaw: Tensor) -> Tensor:
    """Return how much of the residual is added for yaws in degrees, in (0, 1); 0 where the yaw is not known (NaN)."""
    return torch.nan_to_num(torch.sigmoid(STEEPNESS * (yaw.abs() / HALF_OPEN - 1)))


class YawBranch(nn.Module):
    """Features (N, D) and yaws (N,) in degrees → features (N, D); where a yaw is NaN the feature stays as it is.

    Args:
        embedding_size: D.
    """

    def __init__(self, embedding_size: int) -> None:
        super().__init__()
        last = nn.Linear(embedding_size, embedding_size)
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, 1e-3)  # above 0: a ReLU at 0 would pass no gradient
        self.residual = nn.Sequential(nn.Linear(embedding_size, embedding_size), nn.ReLU(), last, nn.ReLU())

    def forward(self, features: Tensor, yaw: Tensor) -> Tensor:
        """Return the features."""
        moved: Tensor = features + gate(yaw)[:, None] * self.residual(features)
        return moved


class Dream(nn.Module):
    """A trained backbone and its branch: images (N, 3, S, S) and yaws (N,) in degrees → features (N, D).

    Args:
        trunk: the backbone.
        branch: for its features.
    """

    def __init__(self, trunk: nn.Module, branch: YawBranch) -> None:
        super().__init__()
        self.trunk, self.branch = trunk, branch

    def forward(self, images: Tensor, yaw: Tensor) -> Tensor:
        """Return the features (N, D) of normalized images."""
        features: Tensor = self.branch(self.trunk(images), yaw)
        return features
