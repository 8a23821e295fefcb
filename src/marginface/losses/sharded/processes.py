"""The processes that share the classes, and what they tell each other; a process alone tells itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, distributed
from torch.autograd.function import once_differentiable
from torch.autograd.graph import Node, get_gradient_edge


@dataclass(frozen=True, eq=False)
class Processes:
    """How many there are, and which one this is.

    Attributes:
        size: R.
        rank: of this one, 0 … R − 1.
        group: of torch.distributed; None is its default one.
    """

    size: int
    rank: int
    group: distributed.ProcessGroup | None

    @classmethod
    def of(cls, group: distributed.ProcessGroup | None) -> Processes:
        """Return those of a group; this one alone where torch.distributed was not started."""
        if not (distributed.is_available() and distributed.is_initialized()):
            return cls(1, 0, None)
        return cls(distributed.get_world_size(group), distributed.get_rank(group), group)

    def gathered(self, mine: Tensor) -> Tensor:
        """Return the tensors of all processes (R, …), whose shapes are equal."""
        if self.size == 1:
            return mine[None]
        found = mine.new_empty(self.size, *mine.shape)
        gather = _of_torch("all_gather_single", before="all_gather_into_tensor")
        gather(found.view(-1), mine.contiguous().view(-1), group=self.group)
        return found

    def summed(self, mine: Tensor) -> Tensor:
        """Return the sum over all processes."""
        if self.size == 1:
            return mine
        total = mine.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total, group=self.group)
        return total

    def summed_own(self, mine: Tensor) -> Tensor:
        """Return this process's samples (n, …) of the sum over all processes of tensors (R·n, …)."""
        own = mine.new_empty(len(mine) // self.size, *mine.shape[1:])
        scatter = _of_torch("reduce_scatter_single", before="reduce_scatter_tensor")
        scatter(own, mine.contiguous(), group=self.group)
        return own

    def own(self, samples: int) -> slice:
        """Return the place of this process's samples among those of all (R·n)."""
        each = samples // self.size
        return slice(self.rank * each, (self.rank + 1) * each)


def _of_torch(name: str, *, before: str) -> Callable[..., object]:
    """Return a function of torch.distributed, which before torch 2.13 had another name."""
    found: Callable[..., object] = getattr(distributed, name, None) or getattr(distributed, before)
    return found


class GatheredFeatures(torch.autograd.Function):
    """Features of this process (n, D), processes → those of all (R·n, D), one process after the other.

    Each process has a part of the gradient by all features; the sum of the parts goes to where the features are from,
    times R: what is behind them takes the mean of its gradients over the processes.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, processes: Processes) -> Tensor:
        """Gather."""
        ctx.processes = processes
        return processes.gathered(features).flatten(0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Sum, and keep the own samples."""
        processes: Processes = ctx.processes
        return processes.summed_own(gradient).mul_(processes.size), None


class OwnLosses(torch.autograd.Function):
    """Losses of the samples of all processes (R·n,), processes → those of this one (n,).

    A process takes the mean over its n samples, and the loss is the mean over all: 1/R of the sum of those means.
    """

    @staticmethod
    def forward(ctx: Any, losses: Tensor, processes: Processes) -> Tensor:
        """Take the own ones."""
        ctx.processes, ctx.samples = processes, len(losses)
        return losses[processes.own(len(losses))].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Give the others 0."""
        whole = gradient.new_zeros(ctx.samples)
        whole[ctx.processes.own(ctx.samples)] = gradient / ctx.processes.size
        return whole, None


class OverProcesses(torch.autograd.Function):
    """Numbers of this process's classes (k, N), how many rows are log-sum-exps, processes → those of all classes.

    Log-sum-exps come first; the other rows are sums. A process has the gradient of its own samples, so each sends them.
    """

    @staticmethod
    def forward(ctx: Any, mine: Tensor, logs: int, processes: Processes) -> Tensor:
        """Gather and sum, in the order of the processes: the result is the same in each, to the last bit."""
        parts = processes.gathered(mine)
        found = parts.sum(0)
        found[:logs] = parts[:, :logs].logsumexp(0)
        ctx.save_for_backward(mine[:logs], found[:logs].clone())
        ctx.logs, ctx.processes = logs, processes
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Gather; a log-sum-exp passes on the share of this process's classes, nothing where there is no class."""
        mine, found = ctx.saved_tensors
        own = gradient[:, ctx.processes.own(gradient.shape[1])]
        by_mine = ctx.processes.gathered(own).transpose(0, 1).reshape(gradient.shape)
        share = torch.where(found.isneginf(), found, mine - found).exp()
        return torch.cat((by_mine[: ctx.logs] * share, by_mine[ctx.logs :])), None, None


@dataclass(frozen=True, eq=False)
class SummedGradients:
    """Parameters that each process has whole, such as a learned scale: ``backward`` adds up their gradients.

    Each process has the gradient by its own samples and classes. The sum is taken where the whole of it arrives, just
    before it is added to ``grad``; torch.autograd.grad, which stops before that, gives the part of this process.

    Attributes:
        places: where gradients arrive; held here, as torch forgets one, and what was asked of it, when nobody holds it.
    """

    places: set[Node] = field(default_factory=set)

    def add(self, parameter: Tensor, processes: Processes) -> None:
        """Sum the gradient of a parameter over processes from now on, as long as this object lives."""
        if processes.size == 1 or not parameter.requires_grad:
            return
        place = get_gradient_edge(parameter).node
        if place not in self.places:
            place.register_prehook(lambda gradients: tuple(processes.summed(gradient) for gradient in gradients))
            self.places.add(place)

    def __reduce__(self) -> tuple[type[SummedGradients], tuple[()]]:
        return SummedGradients, ()  # a copied head has other parameters


ALONE = Processes(1, 0, None)
