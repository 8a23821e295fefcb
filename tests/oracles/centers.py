"""Center losses and sub-centers by their papers: loops over samples, classes and coordinates."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def half_square(x: Tensor, c: Tensor) -> Tensor:
    return sum(((a - b) ** 2 for a, b in zip(x, c, strict=True)), torch.zeros((), dtype=x.dtype)) / 2


def center_loss(features: Tensor, centers: Tensor, labels: Tensor, weight: float) -> Tensor:
    distances = [half_square(x, centers[y]) for x, y in zip(features, labels.tolist(), strict=True)]
    return weight * torch.stack(distances).mean()


def moved_centers(features: Tensor, centers: Tensor, labels: Tensor, alpha: float, rule: str) -> Tensor:
    """Return the centers after one batch: c − α·n/(1 + n)·(c − mean), or without the fraction."""
    moved = centers.clone()
    for j, c in enumerate(centers):
        mine = [x for x, y in zip(features, labels.tolist(), strict=True) if y == j]
        if mine:
            mean = torch.stack(mine).mean(0)
            share = len(mine) / (1 + len(mine)) if rule == "count" else 1.0
            moved[j] = c - alpha * share * (c - mean)
    return moved


def triplet_center_loss(features: Tensor, centers: Tensor, labels: Tensor, weight: float, margin: float) -> Tensor:
    losses = []
    for x, y in zip(features, labels.tolist(), strict=True):
        others = [half_square(x, c) for j, c in enumerate(centers) if j != y]
        losses.append((half_square(x, centers[y]) + margin - torch.stack(others).min()).clamp_min(0))
    return weight * torch.stack(losses).mean()


def subcenter_arcface_loss(features: Tensor, centers: Tensor, labels: Tensor, scale: float, margin: float) -> Tensor:
    """centers (C, K, D); the angle to a class is the smallest to any of its sub-centers."""
    losses = []
    for x, y in zip(features, labels.tolist(), strict=True):
        logits = []
        for j, of_class in enumerate(centers):
            theta = min(torch.acos(torch.dot(x, w) / (x.norm() * w.norm())) for w in of_class)
            bent = torch.cos(theta + margin) if theta + margin < math.pi else torch.cos(theta) - (1 - math.cos(margin))
            logits.append(scale * (bent if j == y else torch.cos(theta)))
        losses.append(torch.logsumexp(torch.stack(logits), 0) - logits[y])
    return torch.stack(losses).mean()


def outliers(features: list[list[float]], labels: list[int], centers: list[list[list[float]]], degrees: float):
    """Return the places to drop, by counting: which sub-center wins most often in a class, and how far it is."""

    def angle(x, c):
        dot = sum(a * b for a, b in zip(x, c, strict=True))
        return math.degrees(math.acos(max(-1, min(1, dot / math.hypot(*x) / math.hypot(*c)))))

    drop = []
    for j, of_class in enumerate(centers):
        mine = [i for i, y in enumerate(labels) if y == j]
        wins = [0] * len(of_class)
        for i in mine:
            angles = [angle(features[i], c) for c in of_class]
            wins[angles.index(min(angles))] += 1
        best = wins.index(max(wins))
        drop += [i for i in mine if angle(features[i], of_class[best]) > degrees]
    return sorted(drop)
