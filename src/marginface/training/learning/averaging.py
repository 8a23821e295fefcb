"""A running average of the weights: steadier than the weights of the last step."""

from __future__ import annotations

import copy

import torch
from torch import nn


class WeightAverage:
    """θ̄ ← d·θ̄ + (1 − d)·θ after each step, d = min(decay, (n + 1) / (n + 10)) at the n-th update.

    The rising decay keeps the random first weights out. Running statistics of batch norms are taken over as they are.
    Source: Tarvainen & Valpola, "Mean teachers", NeurIPS 2017, arXiv:1703.01780; the rise as in TensorFlow's
    ExponentialMovingAverage.
    """

    def __init__(self, backbone: nn.Module, decay: float) -> None:
        self.backbone = copy.deepcopy(backbone)
        for parameter in self.backbone.parameters():
            parameter.requires_grad = False
        self._decay = decay

    @torch.no_grad()
    def update(self, backbone: nn.Module, step: int) -> None:
        """Take in the weights after step ``step`` (from 0)."""
        decay = min(self._decay, (step + 1) / (step + 10))
        for mean, weight in zip(self.backbone.parameters(), backbone.parameters(), strict=True):
            mean.lerp_(weight, 1 - decay)
        for kept, value in zip(self.backbone.buffers(), backbone.buffers(), strict=True):
            kept.copy_(value)
