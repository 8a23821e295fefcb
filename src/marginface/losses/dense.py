"""The obvious implementation: all N×C numbers at once, by ordinary autograd. The others are tested against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from marginface.errors import InputError
from marginface.losses.cross_entropy import log_sum_exp_where
from marginface.losses.implementation import Curve, Logits, Own, Survey, Update


def products(directions: Tensor, centers: Tensor, *, normalized: bool = True) -> Tensor:
    """Return directions times centers (N, C); with sub-centers that of the nearest, which alone gets the gradient."""
    rows = centers.flatten(0, -2)
    product = directions @ (functional.normalize(rows) if normalized else rows).T
    return product if centers.ndim == 2 else product.view(-1, *centers.shape[:-1]).max(2).values


class Dense:
    """See Implementation."""

    def compare(self, directions: Tensor, centers: Tensor, labels: Tensor, /) -> DenseComparison:
        """Return the comparison of a batch."""
        return DenseComparison(directions, centers, labels)

    def learning(self, _update: Update, /) -> Dense:
        """Raise InputError."""
        raise InputError(
            "the dense implementation has the gradient of all centers at once, so no update within the backward pass "
            "can spare it: choose implementation 'chunked', or with 'sharded' and few classes name the tiles"
        )


@dataclass(frozen=True, eq=False)
class DenseComparison:
    """See Comparison."""

    directions: Tensor
    centers: Tensor
    labels: Tensor

    @torch.no_grad()
    def own_cosine(self) -> Tensor:
        """Return the cosines of the true classes (N,), without gradient."""
        return self._own(products(self.directions, self.centers), Logits(self.centers.new_ones(()))).product

    @torch.no_grad()
    def survey(self, survey: Survey, /) -> Tensor:
        """Return the sums of a survey over all classes (N, K), without gradient."""
        return survey(products(self.directions, self.centers), self._other())

    def log_sum_exp(self, logits: Logits, /) -> tuple[Tensor, Own]:
        """Return log Σ_{j≠y} exp(z_j) of each sample (N,), and its true class."""
        product = products(self.directions, self.centers, normalized=logits.normalized)
        z = logits.scale * product
        if logits.bias is not None:
            z = z + logits.bias
        return log_sum_exp_where(self._other(), z), self._own(product, logits)

    def log_sum_exp_of_curve(self, curve: Curve, scale: Tensor, /) -> tuple[Tensor, Own]:
        """Return log Σ_{j≠y} exp(scale·curve(cos θ_j)) of each sample (N,), and its true class."""
        cosine = products(self.directions, self.centers)
        return log_sum_exp_where(self._other(), scale * curve(cosine)), self._own(cosine, Logits(scale))

    def sum_of_curve(self, curve: Curve, _parameters: Sequence[Tensor], /) -> tuple[Tensor, Own]:
        """Return Σ_{j≠y} curve(cos θ_j) of each sample (N,), and its true class."""
        cosine = products(self.directions, self.centers)
        terms = curve(cosine)
        total = torch.where(self._other(), terms, torch.zeros_like(terms)).sum(1)
        return total, self._own(cosine, Logits(cosine.new_ones(())))

    def _other(self) -> Tensor:
        return torch.arange(len(self.centers), device=self.labels.device) != self.labels[:, None]

    def _own(self, product: Tensor, logits: Logits) -> Own:
        known, here = self.labels.clamp_min(0), self.labels >= 0
        own = torch.where(here, product.gather(1, known[:, None]).squeeze(1), product.new_zeros(()))
        norm, bias = product.new_ones(()), product.new_zeros(())
        if not logits.normalized:
            norm = torch.where(here, torch.linalg.vector_norm(self.centers, dim=1)[known], bias)
        if logits.bias is not None:
            bias = torch.where(here, logits.bias[known], bias)
        return Own(own, norm, bias)
