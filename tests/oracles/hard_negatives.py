"""Losses that change the other classes' cosines, by their formulas: one sample, one class at a time, in angles."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from oracles.margins import arcface

Angles = list[Tensor]  # of one sample to each class
Target = Callable[[Angles, int], Tensor]  # angles, true class → the target cosine
Other = Callable[[Angles, int, int], Tensor]  # angles, true class, another class → its changed cosine


def loss(
    features: Tensor,
    centers: Tensor,
    labels: Tensor,
    scale: float,
    target: Target,
    other: Other,
    *,
    strength: float = 1.0,
    straight: bool = False,
) -> Tensor:
    """Return −log softmax of the true class, averaged over the samples whose label is not −1."""

    def mixed(theta: Tensor, value: Tensor) -> Tensor:
        plain = torch.cos(theta)
        value = (1 - strength) * plain + strength * value
        return plain + (value - plain).detach() if straight else value

    losses = []
    for x, y in zip(features, labels.tolist(), strict=True):
        if y == -1:
            continue
        angles = [torch.acos(torch.dot(x, w) / (x.norm() * w.norm())) for w in centers]
        logits = []
        for j, theta in enumerate(angles):
            logits.append(scale * mixed(theta, target(angles, y) if j == y else other(angles, y, j)))
        losses.append(torch.logsumexp(torch.stack(logits), 0) - logits[y])
    return torch.stack(losses).mean()


def curricularface(t: float, m: float = 0.5, past_pi: str = "continue") -> tuple[Target, Other]:
    def target(angles: Angles, y: int) -> Tensor:
        return arcface(angles[y], m, past_pi)

    def other(angles: Angles, y: int, j: int) -> Tensor:
        cosine = torch.cos(angles[j])
        if cosine > torch.cos(angles[y] + m):
            return cosine * (t + cosine)
        return cosine

    return target, other


def curricular_t(t: float, cosines: list[float], weight: float = 0.01) -> float:
    """t after a batch with these target cosines, in the authors' order of the weights."""
    return weight * (sum(cosines) / len(cosines)) + (1 - weight) * t


def mv_softmax(m: float = 0.35, t: float = 1.12) -> tuple[Target, Other]:
    def target(angles: Angles, y: int) -> Tensor:
        return torch.cos(angles[y]) - m

    def other(angles: Angles, y: int, j: int) -> Tensor:
        cosine = torch.cos(angles[j])
        return t * cosine + t - 1 if cosine > torch.cos(angles[y]) - m else cosine

    return target, other


def mv_softmax_arc(m: float = 0.5, t: float = 1.12, past_pi: str = "continue") -> tuple[Target, Other]:
    def target(angles: Angles, y: int) -> Tensor:
        return arcface(angles[y], m, past_pi)

    def other(angles: Angles, y: int, j: int) -> Tensor:
        cosine = torch.cos(angles[j])
        return t * cosine + t - 1 if cosine > torch.cos(angles[y] + m) else cosine

    return target, other


def npcface(
    m: float = 0.5, m0: float = 0.4, m1: float = 0.2, t: float = 1.1, a: float = 0.2, past_pi: str = "continue"
) -> tuple[Target, Other]:
    def is_hard(angles: Angles, y: int, j: int) -> bool:
        return j != y and bool(torch.cos(angles[j]) > torch.cos(angles[y] + m))

    def target(angles: Angles, y: int) -> Tensor:
        hard = [math.cos(angles[j].item()) for j in range(len(angles)) if is_hard(angles, y, j)]
        mean = sum(hard) / len(hard) if hard else 0.0
        return arcface(angles[y], m0 + m1 * mean, past_pi)

    def other(angles: Angles, y: int, j: int) -> Tensor:
        cosine = torch.cos(angles[j])
        return t * cosine + a if is_hard(angles, y, j) else cosine

    return target, other


def arcnegface(
    m: float = 0.5, alpha: float = 1.2, sigma: float = 2.0, past_pi: str = "continue"
) -> tuple[Target, Other]:
    def target(angles: Angles, y: int) -> Tensor:
        return arcface(angles[y], m, past_pi)

    def other(angles: Angles, y: int, j: int) -> Tensor:
        gap = math.cos(angles[j].item()) - arcface(angles[y], m, past_pi).item()
        t = alpha * math.exp(-(gap**2) / sigma)
        return t * torch.cos(angles[j]) + t - 1

    return target, other


def circle(m: float = 0.25) -> tuple[Target, Other]:
    optimum_positive, optimum_negative, delta_positive, delta_negative = 1 + m, -m, 1 - m, m

    def target(angles: Angles, y: int) -> Tensor:
        alpha = max(0.0, optimum_positive - math.cos(angles[y].item()))
        return alpha * (torch.cos(angles[y]) - delta_positive)

    def other(angles: Angles, y: int, j: int) -> Tensor:
        alpha = max(0.0, math.cos(angles[j].item()) - optimum_negative)
        return alpha * (torch.cos(angles[j]) - delta_negative)

    return target, other
