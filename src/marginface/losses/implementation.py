"""What a head asks of its class centers, however that is computed: ``dense`` holds N×C numbers, ``chunked`` does not.

A head never sees the cosines of all classes at once. It compares the directions of a batch with the centers: it gets
the true class of each sample, and sums over the others. That is what lets an implementation take the classes tile by
tile, draw a sample of them, or leave them with the processes that hold them.

dense       all at once, by ordinary autograd
chunked     tile by tile
sampled     another one, over a random part of the classes
filtered    another one, without classes that look like the same person
sharded     another one, over the classes of each process
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

SMALLEST_NORM = 1e-12
"""A shorter direction or center is divided by this instead of its length, as torch.nn.functional.normalize does."""

Curve = Callable[[Tensor], Tensor]
"""Cosines of some classes (N, C') → numbers of the same shape, each from its own cosine."""

Survey = Callable[[Tensor, Tensor], Tensor]
"""Cosines of some classes (N, C'), and where they are not the true one (N, C') bool → sums over them (N, K)."""


class Logits(NamedTuple):
    """Logits that are a product: z_j = scale·(direction·center_j) + bias_j.

    Attributes:
        scale: () or (N, 1).
        normalized: whether the centers are taken with length 1.
        bias: (C,), or None.
    """

    scale: Tensor
    normalized: bool = True
    bias: Tensor | None = None


class Own(NamedTuple):
    """The true class of each sample, with gradient; all of it 0 for a sample whose class is not among the centers.

    Attributes:
        product: (N,) directions times centers, which are taken with length 1 where they are normalized.
        norm: (N,) the lengths that the centers were taken with; a scalar 1 where they are normalized.
        bias: (N,) what the logit has besides; a scalar 0 where there is none.
    """

    product: Tensor
    norm: Tensor
    bias: Tensor


class Comparison(Protocol):
    """The directions of a batch, against the centers."""

    def own_cosine(self) -> Tensor:
        """Return the cosines of the true classes (N,), without gradient."""
        ...

    def survey(self, survey: Survey, /) -> Tensor:
        """Return the sums of a survey over all classes (N, K), without gradient."""
        ...

    def log_sum_exp(self, logits: Logits, /) -> tuple[Tensor, Own]:
        """Return log Σ_{j≠y} exp(z_j) of each sample (N,), −inf where there is no other class, and its true class."""
        ...

    def log_sum_exp_of_curve(self, curve: Curve, scale: Tensor, /) -> tuple[Tensor, Own]:
        """Return log Σ_{j≠y} exp(scale·curve(cos θ_j)) of each sample (N,), and its true class.

        ``scale`` is () or (N, 1); gradient goes through it, through the cosines, and through nothing else in the curve.
        """
        ...

    def sum_of_curve(self, curve: Curve, parameters: Sequence[Tensor], /) -> tuple[Tensor, Own]:
        """Return Σ_{j≠y} curve(cos θ_j) of each sample (N,), and its true class; ``parameters`` of the curve learn."""
        ...


class Update(Protocol):
    """What takes the gradient of some centers during the backward pass, so that that of all is never held.

    ``rows`` are those of the centers as (C, D), or (C·K, D) with K sub-centers.
    """

    def begin(self) -> None:
        """Expect the gradients of one backward pass."""
        ...

    def refresh(self, rows: Tensor, /) -> None:
        """Bring some centers up to date before they are used; those that no sample was drawn of may lag behind."""
        ...

    def step(self, rows: slice | Tensor, gradient: Tensor, /) -> None:
        """Change some centers by their gradient (n, D), which may be overwritten."""
        ...


class Implementation(Protocol):
    """How the sums over classes are computed."""

    def compare(self, directions: Tensor, centers: Tensor, labels: Tensor, /) -> Comparison:
        """Return the comparison of a batch.

        Args:
            directions: (N, D) what is multiplied with the centers: features of length 1, or as they are.
            centers: (C, D), or (C, K, D) with K sub-centers: a class is as near as its nearest sub-center.
            labels: (N,) int64 in 0 … C − 1, or −1 where the true class is not among these: then all are others.
        """
        ...

    def learning(self, update: Update, /) -> Implementation:
        """Return the same implementation whose backward pass hands the gradient of the centers to an update.

        Raises:
            InputError: it has that gradient only as a whole.
        """
        ...


@runtime_checkable
class Spans(Protocol):
    """An implementation whose classes, and so its batches, are spread over processes."""

    def together(
        self,
        features: Tensor,
        labels: Tensor,
        losses: Callable[[Tensor, Tensor], Tensor],
        learned: Sequence[Tensor],
        /,
    ) -> Tensor:
        """Return the losses of this process's samples (N,), of a function over those of all processes.

        ``learned`` are the parameters that every process has whole.
        """
        ...


def losses_by(
    implementation: Implementation,
    features: Tensor,
    labels: Tensor,
    losses: Callable[[Tensor, Tensor], Tensor],
    learned: Sequence[Tensor],
) -> Tensor:
    """Return losses(features, labels) (N,), computed together with other processes where the classes are spread.

    ``learned`` are the parameters of the head that belong to no class, such as a scale.
    """
    if isinstance(implementation, Spans):
        return implementation.together(features, labels, losses, learned)
    return losses(features, labels)


def own_of(directions: Tensor, centers: Tensor, labels: Tensor, logits: Logits) -> Own:
    """Return the true class from its centers (N, D) or (N, K, D), by ordinary autograd; logits may have a bias."""
    rows = torch.nn.functional.normalize(centers, dim=-1) if logits.normalized else centers
    product = torch.linalg.vecdot(directions[:, None] if centers.ndim == 3 else directions, rows)
    if centers.ndim == 3:
        product = product.max(1).values
    here = labels >= 0
    norm = centers.new_ones(()) if logits.normalized else _where(here, torch.linalg.vector_norm(centers, dim=-1))
    bias = centers.new_zeros(()) if logits.bias is None else _where(here, logits.bias[labels.clamp_min(0)])
    return Own(_where(here, product), norm, bias)


def _where(here: Tensor, values: Tensor) -> Tensor:
    return torch.where(here, values, torch.zeros_like(values))
