"""Losses that ask of each class apart, by their papers: one sample, one class at a time, in angles."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Terms = Callable[[Tensor, bool], Tensor]  # an angle θ, and whether its class is the true one → the term


def sigmoid(z: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-z))


def sface(theta: Tensor, own: bool, *, s: float = 64.0, k: float = 80.0, a: float = 0.80, b: float = 1.23) -> Tensor:
    if own:
        return -sigmoid(k * (theta - a)).detach() * s * torch.cos(theta)
    return sigmoid(-k * (theta - b)).detach() * s * torch.cos(theta)


def sphereface2(
    theta: Tensor,
    own: bool,
    *,
    bias: Tensor,
    s: float = 40.0,
    m: float = 0.4,
    t: float = 3.0,
    alpha: float = 0.7,
    weight: float = 50.0,
) -> Tensor:
    g = 2 * ((torch.cos(theta) + 1) / 2) ** t - 1
    if own:
        return weight * alpha / s * torch.log1p(torch.exp(-s * (g - m) - bias))
    return weight * (1 - alpha) / s * torch.log1p(torch.exp(s * (g + m) + bias))


def uniface(theta: Tensor, own: bool, *, bias: Tensor, s: float = 64.0, m: float = 0.4, weight: float = 1.0) -> Tensor:
    if own:
        return torch.log1p(torch.exp(-(s * (torch.cos(theta) - m) - bias)))
    return weight * torch.log1p(torch.exp(s * torch.cos(theta) - bias))


def one_vs_all_loss(features: Tensor, centers: Tensor, labels: Tensor, terms: Terms) -> Tensor:
    """Return the terms of all classes, averaged over the samples."""
    losses = []
    for x, y in zip(features, labels.tolist(), strict=True):
        angles = [torch.acos(torch.dot(x, w) / (x.norm() * w.norm())) for w in centers]
        losses.append(torch.stack([terms(theta, j == y) for j, theta in enumerate(angles)]).sum())
    return torch.stack(losses).mean()


def sphereface2_bias_slope(bias: float, classes: int, *, s: float, m: float, t: float, alpha: float) -> float:
    """Return the derivative by b of the loss where all angles are 90°, over its positive part."""
    g = 2 * 0.5**t - 1
    pull = alpha / (1 + math.exp(s * (g - m) + bias))
    push = (1 - alpha) * (classes - 1) / (1 + math.exp(-(s * (g + m) + bias)))
    return (push - pull) / pull
