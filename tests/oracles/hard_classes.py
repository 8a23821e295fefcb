"""Losses that change the other classes, by their papers: one sample, one class at a time, in angles."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from oracles.margins import arcface

Logits = Callable[[list[Tensor], int], list[Tensor]]  # the angles of a sample to all classes, its class → logits / s


def loss(features: Tensor, centers: Tensor, labels: Tensor, scale: float, logits: Logits) -> Tensor:
    """Return −log softmax of the true class, averaged over the samples."""
    losses = []
    for x, y in zip(features, labels.tolist(), strict=True):
        angles = [torch.acos(torch.dot(x, w) / (x.norm() * w.norm())) for w in centers]
        losses.append(torch.logsumexp(scale * torch.stack(logits(angles, y)), 0) - scale * logits(angles, y)[y])
    return torch.stack(losses).mean()


def curricularface(t: float, margin: float = 0.5) -> Logits:
    def logits(angles: list[Tensor], y: int) -> list[Tensor]:
        limit = math.cos(angles[y].item() + margin)
        out = []
        for j, theta in enumerate(angles):
            cosine = torch.cos(theta)
            out.append(arcface(theta, margin) if j == y else cosine * (t + cosine) if cosine > limit else cosine)
        return out

    return logits


def mv(kind: str, margin: float = 0.35, t: float = 1.12) -> Logits:
    def logits(angles: list[Tensor], y: int) -> list[Tensor]:
        own = angles[y].item()
        limit = math.cos(own) - margin if kind == "mv_am" else math.cos(own + margin)
        target = torch.cos(angles[y]) - margin if kind == "mv_am" else arcface(angles[y], margin)
        others = [torch.cos(theta) for theta in angles]
        bent = [t * cosine + t - 1 if cosine > limit else cosine for cosine in others]
        return [target if j == y else cosine for j, cosine in enumerate(bent)]

    return logits


def npcface(angles: list[Tensor], y: int) -> list[Tensor]:
    limit = math.cos(angles[y].item() + 0.5)
    hard = [math.cos(theta.item()) for j, theta in enumerate(angles) if j != y and math.cos(theta.item()) > limit]
    margin = 0.4 + 0.2 * (sum(hard) / len(hard) if hard else 0.0)
    others = [torch.cos(theta) for theta in angles]
    bent = [1.1 * cosine + 0.2 if cosine > limit else cosine for cosine in others]
    return [arcface(angles[y], margin) if j == y else cosine for j, cosine in enumerate(bent)]


def arcnegface(angles: list[Tensor], y: int) -> list[Tensor]:
    target = arcface(angles[y], 0.5)
    out = []
    for j, theta in enumerate(angles):
        weight = 1.2 * math.exp(-((math.cos(theta.item()) - target.item()) ** 2) / 2)
        out.append(target if j == y else weight * torch.cos(theta) + weight - 1)
    return out


def circle(angles: list[Tensor], y: int) -> list[Tensor]:
    out = []
    for j, theta in enumerate(angles):
        cosine, now = torch.cos(theta), math.cos(theta.item())
        pull = max(1.25 - now, 0.0) * (cosine - 0.75)
        push = max(now + 0.25, 0.0) * (cosine - 0.25)
        out.append(pull if j == y else push)
    return out
