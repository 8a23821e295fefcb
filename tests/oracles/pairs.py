"""Pair losses by their papers: one pair, one triplet, one anchor at a time. Label −1 takes no part."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def _units(features: Tensor, labels: Tensor) -> list[tuple[Tensor, int]]:
    return [(x / x.norm(), y) for x, y in zip(features, labels.tolist(), strict=True) if y != -1]


def _mean(terms: list[Tensor]) -> Tensor:
    return torch.stack(terms).mean()


def _half_and_half(genuine: list[Tensor], impostor: list[Tensor]) -> Tensor:
    if not genuine or not impostor:
        return _mean(genuine or impostor)
    return (_mean(genuine) + _mean(impostor)) / 2


def contrastive(features: Tensor, labels: Tensor, margin: float = 1.0) -> Tensor:
    units = _units(features, labels)
    genuine, impostor = [], []
    for i, (a, y) in enumerate(units):
        for b, z in units[:i]:
            d = (a - b).norm()
            if y == z:
                genuine.append(0.5 * d**2)
            else:
                impostor.append(0.5 * torch.clamp(margin - d, min=0) ** 2)
    return _half_and_half(genuine, impostor)


def cosine_contrastive(features: Tensor, labels: Tensor, margin: float = 0.0) -> Tensor:
    units = _units(features, labels)
    genuine, impostor = [], []
    for i, (a, y) in enumerate(units):
        for b, z in units[:i]:
            cosine = torch.dot(a, b)
            if y == z:
                genuine.append(1 - cosine)
            else:
                impostor.append(torch.clamp(cosine - margin, min=0))
    return _half_and_half(genuine, impostor)


def triplet(features: Tensor, labels: Tensor, margin: float = 0.2, mining: str = "semi_hard") -> Tensor:
    units = _units(features, labels)

    def squared(i: int, j: int) -> Tensor:
        return ((units[i][0] - units[j][0]) ** 2).sum()

    terms = []
    for a, (_, y) in enumerate(units):
        positives = [squared(a, i) for i, (_, z) in enumerate(units) if z == y and i != a]
        negatives = [squared(a, i) for i, (_, z) in enumerate(units) if z != y]
        if not positives or not negatives:
            continue
        if mining == "batch_hard":
            positives, negatives = [max(positives)], [min(negatives)]
        for near in positives:
            if mining == "semi_hard":
                farther = [far for far in negatives if far > near]
                terms.append(near - (min(farther) if farther else max(negatives)) + margin)
            else:
                terms += [near - far + margin for far in negatives]
    return _mean([torch.clamp(term, min=0) for term in terms])


def npair(features: Tensor, labels: Tensor, regularization: float = 0.02) -> Tensor:
    """Cut the batch into N-pair batches of the paper: images 1 and 2 of each identity, then 3 and 4, and so on."""
    by_identity: dict[int, list[Tensor]] = {}
    for x, y in zip(features, labels.tolist(), strict=True):
        if y != -1:
            by_identity.setdefault(y, []).append(x)
    terms, norms = [], []
    for first in range(0, len(labels), 2):
        pairs = [(images[first], images[first + 1]) for images in by_identity.values() if len(images) > first + 1]
        if len(pairs) < 2:
            continue
        for i, (anchor, own) in enumerate(pairs):
            others = [torch.dot(anchor, other) for j, (_, other) in enumerate(pairs) if j != i]
            terms.append(torch.log(1 + sum(torch.exp(other - torch.dot(anchor, own)) for other in others)))
            norms += [(anchor**2).sum(), (own**2).sum()]
    return _mean(terms) + regularization * _mean(norms)


def supcon(features: Tensor, labels: Tensor, temperature: float = 0.1) -> Tensor:
    units = _units(features, labels)
    terms = []
    for i, (z, y) in enumerate(units):
        others = [(torch.exp(torch.dot(z, a) / temperature), b) for j, (a, b) in enumerate(units) if j != i]
        total = sum(value for value, _ in others)
        own = [torch.log(value / total) for value, b in others if b == y]
        if own:
            terms.append(-sum(own) / len(own))
    return _mean(terms)


ORACLES: dict[str, Callable[..., Tensor]] = {
    "contrastive": contrastive,
    "cosine_contrastive": cosine_contrastive,
    "triplet": triplet,
    "npair": npair,
    "supcon": supcon,
}


def least_supcon(images_per_identity: int) -> float:
    """Return the smallest value of supcon: an anchor's K − 1 positives share one softmax."""
    return math.log(images_per_identity - 1)
