"""The same numbers with the classes spread over processes: each holds the centers of its own, and all see all samples.

A step, for N = R·n samples of R processes:

1. every process gathers the features (N, D) and labels of all;
2. it compares all samples with its own classes, by ``dense`` or ``chunked``;
3. the log-sum-exps, sums and true classes, a few numbers for each sample, are gathered and combined;
4. the loss of all N samples follows from these in every process alike, running statistics included;
5. going back, the gradient of a sample's numbers comes from the process that brought it; each computes the gradient of
   its own centers, and its part of that of the features, whose sum goes back to where they are from.

A process calls ``backward`` on the mean of its own samples, and the gradients of the backbone are averaged over the
processes, as torch.nn.parallel.DistributedDataParallel does. Then every gradient is that of the mean over all samples.
The head itself does not go into a DistributedDataParallel: each process has other centers.

shard      which classes a process has
processes  what the processes tell each other, with its gradients
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, distributed

from marginface.errors import InputError
from marginface.losses.implementation import Comparison, Curve, Implementation, Logits, Own, Survey, Update
from marginface.losses.sharded.processes import (
    ALONE,
    GatheredFeatures,
    OverProcesses,
    OwnLosses,
    Processes,
    SummedGradients,
)
from marginface.losses.sharded.shard import Shard, shard_of
from marginface.uncompiled import uncompiled

__all__ = ["ALONE", "Processes", "Shard", "Sharded", "shard_here", "shard_of"]


def shard_here(num_classes: int, group: distributed.ProcessGroup | None = None) -> Shard:
    """Return the classes of this process; all of them where torch.distributed was not started.

    Raises:
        InputError: there are fewer classes than processes, or this process is not in the group.
    """
    processes = Processes.of(group)
    return shard_of(num_classes, processes.rank, processes.size)


@dataclass(frozen=True, eq=False)
class Sharded:
    """See Implementation and Spans.

    Args:
        inner: what compares with the classes of this process.
        shard: which they are; None: all.
        group: the processes; None is the default group, or this process alone where torch.distributed was not started.
        gradients: of what all processes learn alike.
    """

    inner: Implementation
    shard: Shard | None = None
    group: distributed.ProcessGroup | None = None
    gradients: SummedGradients = field(default_factory=SummedGradients)

    def compare(self, directions: Tensor, centers: Tensor, labels: Tensor, /) -> ShardedComparison:
        """Return the comparison of a batch: directions and labels of all processes, centers of this one.

        Raises:
            InputError: the centers are not those of the shard.
        """
        start, size = (0, len(centers)) if self.shard is None else (self.shard.start, self.shard.size)
        if len(centers) != size:
            raise InputError(
                f"this process has classes {self.shard}, so {size} centers; got {len(centers)}. Build the head with "
                "this shard: losses.build(..., implementation='sharded')"
            )
        here = (labels >= start) & (labels < start + size)
        places = torch.where(here, labels - start, -1)
        return ShardedComparison(self.inner.compare(directions, centers, places), Processes.of(self.group))

    def learning(self, update: Update, /) -> Sharded:
        """Return the same implementation whose backward pass hands the gradient of this process's centers over."""
        return replace(self, inner=self.inner.learning(update))

    @uncompiled
    def together(
        self,
        features: Tensor,
        labels: Tensor,
        losses: Callable[[Tensor, Tensor], Tensor],
        learned: Sequence[Tensor],
        /,
    ) -> Tensor:
        """Return the losses of this process's samples (n,), computed among those of all processes.

        Every process must call it, and ``backward`` after it.

        Raises:
            InputError: in all processes, if they differ in the number of samples or do not share the classes.
        """
        processes = Processes.of(self.group)
        if processes.size == 1:
            return losses(features, labels)
        _check(self._facts_of_all(features, processes))
        for parameter in learned:
            self.gradients.add(parameter, processes)
        all_features = GatheredFeatures.apply(features, processes)  # type: ignore[no-untyped-call]
        found = losses(all_features, processes.gathered(labels).flatten())
        own: Tensor = OwnLosses.apply(found, processes)  # type: ignore[no-untyped-call]
        return own

    def _facts_of_all(self, features: Tensor, processes: Processes) -> list[list[int]]:
        """Return samples, first class, class after the last, and C of each process; without a shard no class."""
        classes = (0, 0, 0) if self.shard is None else (self.shard.start, self.shard.stop, self.shard.num_classes)
        found: list[list[int]] = processes.gathered(
            torch.tensor([len(features), *classes]).to(features.device)
        ).tolist()
        return found


@dataclass(frozen=True, eq=False)
class ShardedComparison:
    """See Comparison. ``mine``: with the classes of this process."""

    mine: Comparison
    processes: Processes

    @torch.no_grad()
    def own_cosine(self) -> Tensor:
        """Return the cosines of the true classes (N,), without gradient."""
        return self.processes.gathered(self.mine.own_cosine()).sum(0)

    @torch.no_grad()
    def survey(self, survey: Survey, /) -> Tensor:
        """Return the sums of a survey over all classes (N, K), without gradient."""
        return self.processes.gathered(self.mine.survey(survey)).sum(0)

    def log_sum_exp(self, logits: Logits, /) -> tuple[Tensor, Own]:
        """Return log Σ_{j≠y} exp(z_j) of each sample (N,), and its true class; a bias is that of this process."""
        return self._over_processes(*self.mine.log_sum_exp(logits), logs=1)

    def log_sum_exp_of_curve(self, curve: Curve, scale: Tensor, /) -> tuple[Tensor, Own]:
        """Return log Σ_{j≠y} exp(scale·curve(cos θ_j)) of each sample (N,), and its true class."""
        return self._over_processes(*self.mine.log_sum_exp_of_curve(curve, scale), logs=1)

    def sum_of_curve(self, curve: Curve, parameters: Sequence[Tensor], /) -> tuple[Tensor, Own]:
        """Return Σ_{j≠y} curve(cos θ_j) of each sample (N,), and its true class."""
        return self._over_processes(*self.mine.sum_of_curve(curve, parameters), logs=0)

    def _over_processes(self, total: Tensor, own: Own, logs: int) -> tuple[Tensor, Own]:
        """Return the total over all classes, and the true class wherever it is."""
        of_samples = [value for value in own if value.ndim > 0]
        rows = OverProcesses.apply(torch.stack((total, *of_samples)), logs, self.processes)  # type: ignore[no-untyped-call]
        found, *rest = rows.unbind()
        return found, Own(*(rest.pop(0) if value.ndim > 0 else value for value in own))


def _check(facts: list[list[int]]) -> None:
    """Raise InputError, in all processes alike, unless samples are equally many and the classes are shared."""
    samples, starts, stops, totals = zip(*facts, strict=True)
    if len(set(samples)) > 1:
        raise InputError(
            f"each process brings the same number of samples to a sharded head; got {', '.join(map(str, samples))}. "
            "A loader with drop_last=True gives batches of one size; a sample with label −1 is left out of the mean"
        )
    if starts != (0, *stops[:-1]) or set(totals) != {stops[-1]} or 0 in totals:
        shards = ", ".join(
            f"{start} … {stop - 1} of {total}" for start, stop, total in zip(starts, stops, totals, strict=True)
        )
        raise InputError(
            f"the processes of a sharded head share its classes, one after the other; got classes {shards}. Build it "
            "with losses.build(..., implementation='sharded') in each, after torch.distributed.init_process_group"
        )
