"""Losses that follow feature norms, classes and batches, by their papers: one sample, one class at a time."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field

import torch
from torch import Tensor


def arc(theta: Tensor, m: Tensor | float) -> Tensor:
    """cos(θ + m); beyond π, and below 0, on with the slope of the cosine."""
    if 0 <= theta + m <= math.pi:
        return torch.cos(theta + m)
    m = torch.as_tensor(m, dtype=theta.dtype)
    return torch.cos(theta) - (1 - torch.cos(m)) if theta + m > math.pi else torch.cos(theta) + (1 - torch.cos(m))


def magface_margin(x: Tensor, margins: tuple[float, float], norms: tuple[float, float]) -> Tensor:
    a = x.norm() if norms[0] < x.norm() < norms[1] else torch.tensor(norms[x.norm() > norms[0]], dtype=x.dtype)
    return (margins[1] - margins[0]) / (norms[1] - norms[0]) * (a - norms[0]) + margins[0]


def magface_penalty(x: Tensor, weight: float, norms: tuple[float, float]) -> Tensor:
    a = x.norm() if norms[0] < x.norm() < norms[1] else torch.tensor(norms[x.norm() > norms[0]], dtype=x.dtype)
    return weight * (a / norms[1] ** 2 + 1 / a)


@dataclass
class AdaFaceStatistics:
    """Running mean and deviation of the norms."""

    mean: float = 20.0
    std: float = 100.0

    def see(self, norms: list[float], alpha: float) -> None:
        kept = [min(max(norm, 0.001), 100.0) for norm in norms]
        if kept:
            self.mean = alpha * statistics.fmean(kept) + (1 - alpha) * self.mean
        if len(kept) > 1:
            self.std = alpha * statistics.stdev(kept) + (1 - alpha) * self.std

    def quality(self, norm: float, h: float) -> float:
        kept = min(max(norm, 0.001), 100.0)
        return min(max((kept - self.mean) / (self.std + 0.001) * h, -1.0), 1.0)


def adaface(theta: Tensor, z: float, m: float = 0.4) -> Tensor:
    return arc(theta, -m * z) - (m + m * z)


@dataclass
class KappaFaceMemory:
    """The mean unit feature of each class over its latest samples, and how many were seen."""

    classes: int
    size: int
    window: int = 64
    means: list[Tensor] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.means = [torch.zeros(self.size, dtype=torch.float64) for _ in range(self.classes)]
        self.counts = [0] * self.classes

    def see(self, features: Tensor, labels: list[int]) -> None:
        for y in range(self.classes):
            own = [x.detach() / x.norm().detach() for x, label in zip(features, labels, strict=True) if label == y]
            if own:
                self.counts[y] += len(own)
                share = len(own) / max(len(own), min(self.counts[y], self.window))
                self.means[y] = (1 - share) * self.means[y] + share * sum(own) / len(own)

    def kappa(self, y: int) -> float:
        r = min(self.means[y].norm().item(), 0.99)
        return r * (self.size - r**2) / (1 - r**2)

    def weight(self, y: int, temperature: float = 0.4, gamma: float = 0.7) -> float:
        known = [self.kappa(j) for j in range(self.classes) if self.counts[j] > 1]
        normal = 0.0
        if len(known) > 1 and self.counts[y] > 1 and statistics.stdev(known) > 0:
            normal = (self.kappa(y) - statistics.fmean(known)) / statistics.stdev(known)
        compact = 1 / (1 + math.exp(-temperature * normal))
        largest = 1.05 * max(self.counts)
        rare = (math.cos(math.pi * self.counts[y] / largest) + 1) / 2 if largest > 0 else 1.0
        return gamma * (1 - compact) + (1 - gamma) * rare


def adacos_next(cosine: Tensor, labels: list[int], s: float) -> float:
    """The s that a batch of cosines (N, C) asks for."""
    present = [i for i, y in enumerate(labels) if y >= 0]
    total = 0.0
    for i in present:
        for j, c in enumerate(cosine[i].tolist()):
            if j != labels[i]:
                total += math.exp(s * c)
    median = statistics.median_low([math.acos(cosine[i, labels[i]]) for i in present])
    return math.log(total / len(present)) / math.cos(min(math.pi / 4, median))
