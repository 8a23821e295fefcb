"""A random part of the classes instead of all: the true ones always, the others by a rate (Partial FC)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from marginface.errors import InputError
from marginface.losses.implementation import Comparison, Curve, Implementation, Logits, Own, Survey, Update


def sample_classes(labels: Tensor, num_classes: int, rate: float) -> Tensor:
    """Return the classes of a step (S,), rising: those of the labels, and others at random up to rate·C.

    Every other class is as likely as any. More true classes than rate·C are all taken. It draws from torch's generator.

    Args:
        labels: (N,) int64 in 0 … C − 1, or −1.
        num_classes: C.
        rate: in (0, 1].
    """
    order = torch.rand(num_classes, device=labels.device)
    true = torch.unique(labels[labels >= 0])
    order[true] = 2.0
    chosen = order.topk(max(round(rate * num_classes), len(true), 1), sorted=False).indices
    return chosen.sort().values


@dataclass(frozen=True, eq=False)
class Sampled:
    r"""See Implementation. The sum over the others goes over a random part of them, another one each step.

    A center whose class is drawn learns as ever; one that is not gets no gradient. With many classes a rate of 0.1
    costs a tenth of the products and, in the paper, hardly any accuracy. Where no gradient is wanted
    (torch.no_grad) all classes are compared: a validation loss is not a random one.

    Source: An et al., "Partial FC: Training 10 Million Identities on a Single Machine", ICCV workshops 2021,
    arXiv:2010.05222. The sum is not corrected for the classes that were left out, there or here.

    Args:
        inner: what compares with the part.
        rate: the part, in (0, 1].
        update: what takes the gradient of the part's centers; None: it becomes one of all centers, 0 for the others,
            so that an optimizer also moves those by their momentum and decay, as that of insightface does.

    Raises:
        InputError: the rate is out of range.
    """

    inner: Implementation
    rate: float
    update: Update | None = None

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1:
            raise InputError(f"sample_rate is the part of the classes in each step, 0 < rate ≤ 1; got {self.rate}")

    def compare(self, directions: Tensor, centers: Tensor, labels: Tensor, /) -> Comparison:
        """Draw classes and return the comparison of a batch with them."""
        if not torch.is_grad_enabled():
            return self.inner.compare(directions, centers, labels)
        chosen = sample_classes(labels, len(centers), self.rate)
        part = centers.index_select(0, chosen) if self.update is None else _borrowed(centers, chosen, self.update)
        places = torch.where(labels >= 0, torch.searchsorted(chosen, labels), labels)
        return SampledComparison(self.inner.compare(directions, part, places), chosen)

    def learning(self, update: Update, /) -> Sampled:
        """Return the same implementation whose backward pass hands the gradient of the part to an update."""
        return replace(self, update=update)


@dataclass(frozen=True, eq=False)
class SampledComparison:
    """See Comparison. ``chosen`` (S,): the classes of the part."""

    part: Comparison
    chosen: Tensor

    def own_cosine(self) -> Tensor:
        """Return the cosines of the true classes (N,), without gradient."""
        return self.part.own_cosine()

    def survey(self, survey: Survey, /) -> Tensor:
        """Return the sums of a survey over the part (N, K), without gradient."""
        return self.part.survey(survey)

    def log_sum_exp(self, logits: Logits, /) -> tuple[Tensor, Own]:
        """Return log Σ exp(z_j) over the other classes of the part (N,), and the true class."""
        bias = None if logits.bias is None else logits.bias[self.chosen]
        return self.part.log_sum_exp(logits._replace(bias=bias))

    def log_sum_exp_of_curve(self, curve: Curve, scale: Tensor, /) -> tuple[Tensor, Own]:
        """Return log Σ exp(scale·curve(cos θ_j)) over the other classes of the part (N,), and the true class."""
        return self.part.log_sum_exp_of_curve(curve, scale)

    def sum_of_curve(self, curve: Curve, parameters: Sequence[Tensor], /) -> tuple[Tensor, Own]:
        """Return Σ curve(cos θ_j) over the other classes of the part (N,), and the true class."""
        return self.part.sum_of_curve(curve, parameters)


def _borrowed(centers: Tensor, chosen: Tensor, update: Update) -> Tensor:
    """Return the centers of some classes, up to date; their gradient goes to the update."""
    sub_centers = 1 if centers.ndim == 2 else centers.shape[1]
    rows = (chosen[:, None] * sub_centers + torch.arange(sub_centers, device=chosen.device)).view(-1)
    update.refresh(rows)
    part: Tensor = _Borrowed.apply(centers, rows, update)  # type: ignore[no-untyped-call]
    return part.view(-1, *centers.shape[1:])


class _Borrowed(torch.autograd.Function):
    """Centers, some of their rows (n,) → those rows (n, D), whose gradient an update takes."""

    @staticmethod
    def forward(ctx: Any, centers: Tensor, rows: Tensor, update: Update) -> Tensor:
        """Copy the rows."""
        ctx.rows, ctx.update = rows, update
        return centers.flatten(0, -2).index_select(0, rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, None, None]:
        """Hand the gradient over; another batch may have had its step since the rows were copied."""
        ctx.update.refresh(ctx.rows)
        ctx.update.begin()
        ctx.update.step(ctx.rows, gradient)
        return None, None, None
