"""Multiplied, combined, power, dynamic and elastic margins by their papers: one angle at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from oracles.margins import arcface, cosface


def psi(theta: Tensor, m: float) -> Tensor:
    """(−1)^k cos(mθ) − 2k on the interval [kπ/m, (k + 1)π/m] that holds θ."""
    k = 0
    while theta.item() > (k + 1) * math.pi / m:
        k += 1
    return (-1) ** k * torch.cos(m * theta) - 2 * k


def annealed(theta: Tensor, m: float, weight: float) -> Tensor:
    return (weight * torch.cos(theta) + psi(theta, m)) / (1 + weight)


def lsoftmax(
    theta: Tensor,
    margin: float = 4,
    base: float = 1000,
    gamma: float = 2.5e-5,
    power: float = 35,
    floor: float = 0,
    step: int = 0,
) -> Tensor:
    return annealed(theta, margin, max(floor, base / (1 + gamma * step) ** power))


def sphereface(
    theta: Tensor,
    margin: float = 4,
    base: float = 1000,
    gamma: float = 0.12,
    power: float = 1,
    floor: float = 5,
    step: int = 0,
) -> Tensor:
    return annealed(theta, margin, max(floor, base / (1 + gamma * step) ** power))


def sphereface_r(theta: Tensor, margin: float = 1.7) -> Tensor:
    return torch.cos(min(margin, math.pi / theta.item()) * theta) if margin * theta < math.pi else -1 + 0 * theta


def combined(theta: Tensor, m1: float = 1, m2: float = 0.3, m3: float = 0.2, past_pi: str = "continue") -> Tensor:
    if past_pi == "easy":
        return (torch.cos(m1 * theta + m2) if theta < math.pi / 2 else torch.cos(theta)) - m3
    if m1 * theta + m2 < math.pi or past_pi == "plain":
        return torch.cos(m1 * theta + m2) - m3
    if past_pi == "fallback":
        return torch.cos(theta) - m2 * math.sin(m2) - m3
    if past_pi == "clip":
        return -1 + 0 * theta - m3
    return -1 + torch.cos(theta) - math.cos((math.pi - m2) / m1) - m3


def expface(theta: Tensor, margin: float = 0.7) -> Tensor:
    return torch.cos(math.pi * (theta / math.pi) ** margin)


CURVES: dict[str, Callable[..., Tensor]] = {
    "lsoftmax": lsoftmax,
    "sphereface": sphereface,
    "sphereface_r": sphereface_r,
    "amsoftmax": cosface,
    "combined": combined,
    "expface": expface,
    "elastic_arc": arcface,  # in evaluation mode
    "elastic_cos": cosface,
    "elastic_arc_plus": arcface,
    "elastic_cos_plus": cosface,
}

NORM_SCALES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "lsoftmax": lambda x, w: x.norm() * w.norm(),
    "sphereface": lambda x, w: x.norm(),
}


def sample_losses(
    features: Tensor, centers: Tensor, labels: Tensor, scale: float, target: Callable[[Tensor, int], Tensor]
) -> Tensor:
    """Return the mean loss, where the target cosine depends on the angle and on the number of the sample."""
    losses = []
    for i, (x, y) in enumerate(zip(features, labels.tolist(), strict=True)):
        logits = []
        for j, w in enumerate(centers):
            theta = torch.acos(torch.dot(x, w) / (x.norm() * w.norm()))
            logits.append(scale * (target(theta, i) if j == y else torch.cos(theta)))
        losses.append(torch.logsumexp(torch.stack(logits), 0) - logits[y])
    return torch.stack(losses).mean()


def dynarcface_margin(centers: Tensor, label: int, k1: float = 1.0, k2: float = 0.2, k3: float = 0.5) -> float:
    """The margin of a class, from the angle to its nearest neighbor; π without one."""
    own, nearest = centers[label].detach(), math.pi
    for j, other in enumerate(centers.detach()):
        if j != label:
            nearest = min(nearest, math.acos(torch.dot(own, other) / (own.norm() * other.norm())))
    return max(0.0, nearest - k1) * k2 + k3 + 0.03 * k3 / (1 + abs(20 * (nearest - k1)) ** 1.1)


def by_rank(margins: list[float], cosines: list[float]) -> list[float]:
    """The hardest sample gets the largest margin, the next the next: one sample at a time."""
    left = sorted(margins, reverse=True)
    given = [0.0] * len(margins)
    for _ in margins:
        hardest = min((i for i in range(len(cosines)) if given[i] == 0.0), key=lambda i: cosines[i])
        given[hardest] = left.pop(0)
    return given


def by_upstream_order(margins: list[float], cosines: list[float]) -> list[float]:
    """What public code does: sample i gets the margin numbered by the i-th easiest sample."""
    rising = sorted(margins)
    easiest_first = sorted(range(len(cosines)), key=lambda i: -cosines[i])
    return [rising[easiest_first[i]] for i in range(len(cosines))]
