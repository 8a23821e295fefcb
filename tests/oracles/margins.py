"""Margin losses by their papers: one sample, one class at a time, in angles."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Curve = Callable[[Tensor], Tensor]  # an angle θ → the target cosine


def normface(theta: Tensor) -> Tensor:
    return torch.cos(theta)


def cosface(theta: Tensor, margin: float = 0.35) -> Tensor:
    return torch.cos(theta) - margin


def arcface(theta: Tensor, margin: float = 0.5, past_pi: str = "continue") -> Tensor:
    if past_pi == "easy":
        return torch.cos(theta + margin) if theta < math.pi / 2 else torch.cos(theta)
    if theta + margin < math.pi or past_pi == "plain":
        return torch.cos(theta + margin)
    if past_pi == "fallback":
        return torch.cos(theta) - margin * math.sin(margin)
    if past_pi == "clip":
        return -1 + 0 * theta
    return torch.cos(theta) - (1 - math.cos(margin))


def x2softmax(theta: Tensor, a: float = -0.9, h: float = 0.0, k: float = 0.65) -> Tensor:
    return a * (theta - h) ** 2 + k


CURVES: dict[str, Callable[..., Tensor]] = {
    "normface": normface,
    "cosface": cosface,
    "arcface": arcface,
    "x2softmax": x2softmax,
}


def margin_loss(
    features: Tensor,
    centers: Tensor,
    labels: Tensor,
    scale: float | Callable[[Tensor, Tensor], Tensor],
    curve: Curve,
) -> Tensor:
    """Return −log softmax of the true class, averaged over the samples; scale is s, or s(x, w)."""
    losses = []
    for x, y in zip(features, labels.tolist(), strict=True):
        logits = []
        for j, w in enumerate(centers):
            theta = torch.acos(torch.dot(x, w) / (x.norm() * w.norm()))
            s = scale(x, w) if callable(scale) else scale
            logits.append(s * (curve(theta) if j == y else torch.cos(theta)))
        losses.append(torch.logsumexp(torch.stack(logits), 0) - logits[y])
    return torch.stack(losses).mean()


def softmax_loss(features: Tensor, centers: Tensor, bias: Tensor, labels: Tensor) -> Tensor:
    """Return −log softmax of the true class of W x + b, averaged over the samples."""
    losses = []
    for x, y in zip(features, labels.tolist(), strict=True):
        logits = torch.stack([torch.dot(w, x) + b for w, b in zip(centers, bias, strict=True)])
        losses.append(torch.logsumexp(logits, 0) - logits[y])
    return torch.stack(losses).mean()
