"""The last step of a backbone: feature map → features (N, D), in the precision of the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Projection(nn.Module):
    """Flatten, fully connected layer, batch normalization: (N, C, H, W) → (N, D).

    It runs outside autocast: the features of all published recipes leave the network in float32.

    Args:
        in_features: C·H·W.
        embedding_size: D.
        bias: whether the fully connected layer has a bias.
        learned_scale: whether the weight of the normalization is learned. False keeps it at 1, so that the mean
            feature norm is near √D, as insightface does for IResNet.
        epsilon: added to the variance by the normalization.
    """

    def __init__(
        self, in_features: int, embedding_size: int, *, bias: bool, learned_scale: bool, epsilon: float = 1e-5
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, embedding_size, bias=bias)
        self.norm = nn.BatchNorm1d(embedding_size, eps=epsilon)
        self.norm.weight.requires_grad_(learned_scale)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the features (N, D)."""
        with torch.autocast(maps.device.type, enabled=False):
            flat = torch.flatten(maps, 1).to(self.linear.weight.dtype)
            features: Tensor = self.norm(self.linear(flat))
        return features
