"""What a head asks of its class centres, however that is computed: ``dense`` holds N×C numbers, ``chunked`` does not.

A head never sees the cosines of all classes at once. It knows the true class of each sample, and sums over the others:
that is what lets an implementation take the classes tile by tile. In all methods

directions (N, D)  what is multiplied with the centres: features of length 1, or as they are
centers            (C, D), or (C, K, D) with K sub-centres: a class is as near as its nearest sub-centre
labels (N,)        int64 in 0 … C − 1
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from torch import Tensor

SMALLEST_NORM = 1e-12
"""A shorter direction or centre is divided by this instead of its length, as torch.nn.functional.normalize does."""

Curve = Callable[[Tensor], Tensor]
"""Cosines of some classes (N, C') → numbers of the same shape, each from its own cosine."""

Survey = Callable[[Tensor, Tensor], Tensor]
"""Cosines of some classes (N, C'), and where they are not the true one (N, C') bool → sums over them (N, K)."""


class Own(NamedTuple):
    """The true class of each sample, with gradient.

    Attributes:
        product: (N,) directions times centres, which are taken with length 1 where they are normalized.
        norm: (N,) the lengths that the centres were taken with; a scalar 1 where they are normalized.
    """

    product: Tensor
    norm: Tensor


class Implementation(Protocol):
    """How the sums over classes are computed."""

    def own_cosine(self, directions: Tensor, centers: Tensor, labels: Tensor, /) -> Tensor:
        """Return the cosines of the true classes (N,), without gradient."""
        ...

    def survey(self, directions: Tensor, centers: Tensor, labels: Tensor, survey: Survey, /) -> Tensor:
        """Return the sums of a survey over all classes (N, K), without gradient."""
        ...

    def log_sum_exp(self, logits: Logits, /) -> tuple[Tensor, Own]:
        """Return log Σ_{j≠y} exp(z_j) of each sample (N,), −inf where there is one class, and its true class."""
        ...

    def log_sum_exp_of_curve(
        self, directions: Tensor, centers: Tensor, labels: Tensor, curve: Curve, scale: Tensor, /
    ) -> tuple[Tensor, Own]:
        """Return log Σ_{j≠y} exp(scale·curve(cos θ_j)) of each sample (N,), and its true class.

        ``scale`` is () or (N, 1); gradient goes through it, through the cosines, and through nothing else in the curve.
        """
        ...

    def sum_of_curve(
        self, directions: Tensor, centers: Tensor, labels: Tensor, curve: Curve, parameters: Sequence[Tensor], /
    ) -> tuple[Tensor, Own]:
        """Return Σ_{j≠y} curve(cos θ_j) of each sample (N,), and its true class; ``parameters`` of the curve learn."""
        ...


class Logits(NamedTuple):
    """Logits that are a product: z_j = scale·(direction·center_j) + bias_j.

    Attributes:
        directions: (N, D).
        centers: (C, D), or (C, K, D).
        labels: (N,).
        scale: () or (N, 1).
        normalized: whether the centres are taken with length 1.
        bias: (C,), or None.
    """

    directions: Tensor
    centers: Tensor
    labels: Tensor
    scale: Tensor
    normalized: bool = True
    bias: Tensor | None = None
