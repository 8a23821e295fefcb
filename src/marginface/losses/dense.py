"""The obvious implementation: all N×C numbers at once, by ordinary autograd. The others are tested against it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from marginface.losses.cross_entropy import log_sum_exp_of_others
from marginface.losses.implementation import Curve, Logits, Own, Survey


def products(directions: Tensor, centers: Tensor, *, normalized: bool = True) -> Tensor:
    """Return directions times centres (N, C); with sub-centres that of the nearest, which alone gets the gradient."""
    rows = centers.flatten(0, -2)
    product = directions @ (functional.normalize(rows) if normalized else rows).T
    return product if centers.ndim == 2 else product.view(-1, *centers.shape[:-1]).max(2).values


class Dense:
    """See Implementation."""

    @torch.no_grad()
    def own_cosine(self, directions: Tensor, centers: Tensor, labels: Tensor, /) -> Tensor:
        """Return the cosines of the true classes (N,), without gradient."""
        return _at(products(directions, centers), labels)

    @torch.no_grad()
    def survey(self, directions: Tensor, centers: Tensor, labels: Tensor, survey: Survey, /) -> Tensor:
        """Return the sums of a survey over all classes (N, K), without gradient."""
        return survey(products(directions, centers), _other(centers, labels))

    def log_sum_exp(self, logits: Logits, /) -> tuple[Tensor, Own]:
        """Return log Σ_{j≠y} exp(z_j) of each sample (N,), and its true class."""
        product = products(logits.directions, logits.centers, normalized=logits.normalized)
        z = logits.scale * product
        if logits.bias is not None:
            z = z + logits.bias
        return log_sum_exp_of_others(z, logits.labels), Own(_at(product, logits.labels), _norm(logits))

    def log_sum_exp_of_curve(
        self, directions: Tensor, centers: Tensor, labels: Tensor, curve: Curve, scale: Tensor, /
    ) -> tuple[Tensor, Own]:
        """Return log Σ_{j≠y} exp(scale·curve(cos θ_j)) of each sample (N,), and its true class."""
        cosine = products(directions, centers)
        return log_sum_exp_of_others(scale * curve(cosine), labels), Own(_at(cosine, labels), cosine.new_ones(()))

    def sum_of_curve(
        self, directions: Tensor, centers: Tensor, labels: Tensor, curve: Curve, _parameters: Sequence[Tensor], /
    ) -> tuple[Tensor, Own]:
        """Return Σ_{j≠y} curve(cos θ_j) of each sample (N,), and its true class."""
        cosine = products(directions, centers)
        terms = curve(cosine)
        total = torch.where(_other(centers, labels), terms, torch.zeros_like(terms)).sum(1)
        return total, Own(_at(cosine, labels), cosine.new_ones(()))


def _at(matrix: Tensor, labels: Tensor) -> Tensor:
    return matrix.gather(1, labels[:, None]).squeeze(1)


def _other(centers: Tensor, labels: Tensor) -> Tensor:
    return torch.arange(len(centers), device=labels.device) != labels[:, None]


def _norm(logits: Logits) -> Tensor:
    if logits.normalized:
        return logits.centers.new_ones(())
    norms: Tensor = torch.linalg.vector_norm(logits.centers, dim=1)
    return norms[logits.labels]
