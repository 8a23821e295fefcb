"""A head that every process has whole: each computes the loss of the samples of all.

For losses whose classes do not spread (losses.spreads): pairs are found among all samples, and what learns from a batch
learns from the whole one, as in one process. It costs each process the head of one process.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from marginface.losses.sharded import Processes
from marginface.training.learning.weighted import loss_of


def loss_of_whole_batch(
    head: nn.Module,
    features: Tensor,
    labels: Tensor,
    step: int,
    processes: Processes,
    weights: Tensor | None = None,
) -> Tensor:
    """Return the loss of the samples of all processes, by the features (n, D), labels and weights (n,) of this one."""
    if processes.size > 1:
        features = _WholeBatch.apply(features, processes)  # type: ignore[no-untyped-call]
        labels = processes.gathered(labels).flatten()
        weights = None if weights is None else processes.gathered(weights).flatten()
    return loss_of(head, features, labels, step, weights)


def keep_alike(head: nn.Module, processes: Processes) -> None:
    """Let the backward pass give each process the mean of the gradients of the head.

    They are equal but for rounding, which differs where processors do, and would add up. Centers that learn within the
    backward pass leave no gradient: of those each process keeps its own.
    """

    def average(parameter: Tensor) -> None:
        if parameter.grad is not None:
            parameter.grad.copy_(processes.summed(parameter.grad) / processes.size)

    for parameter in head.parameters():
        if processes.size > 1 and parameter.requires_grad:
            parameter.register_post_accumulate_grad_hook(average)  # type: ignore[no-untyped-call]


class _WholeBatch(torch.autograd.Function):
    """Features of this process (n, D) → those of all (R·n, D), one process after the other.

    Each process has all of the gradient. What is behind the features takes the mean of its gradients over the
    processes, so each passes on that of its own samples, times R.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, processes: Processes) -> Tensor:
        """Gather."""
        ctx.processes = processes
        return processes.gathered(features).flatten(0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Keep the own samples."""
        processes: Processes = ctx.processes
        return gradient[processes.own(len(gradient))] * processes.size, None
