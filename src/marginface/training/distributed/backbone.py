"""A backbone that every process has, with the mean of its gradients over all of them."""

import inspect

import torch
from torch import Tensor, distributed, nn
from torch.futures import Future
from torch.nn.parallel import DistributedDataParallel

from marginface.losses.sharded import Processes

_BUFFERS_OF_RANK_0 = (  # given to all in every step; torch 2.13 has another name for it
    "forward_sync_buffers"
    if "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters
    else "broadcast_buffers"
)


def over_processes(backbone: nn.Module, processes: Processes, device: torch.device) -> nn.Module:
    """Return a module that computes what the backbone does, and whose backward pass averages its gradients.

    Running statistics stay those of each process until mean_statistics. One that does not learn is as it is.
    """
    if processes.size == 1 or not any(parameter.requires_grad for parameter in backbone.parameters()):
        return backbone
    spread = DistributedDataParallel(backbone, **{_BUFFERS_OF_RANK_0: False})  # type: ignore[arg-type]
    if device.type == "cpu":
        spread.register_comm_hook(processes, _mean_in_order)
    return spread


@torch.no_grad()
def mean_statistics(backbone: nn.Module, processes: Processes) -> None:
    """Give every process the mean of the running statistics of all."""
    if processes.size == 1:
        return
    for value in backbone.buffers():
        if value.is_floating_point():
            value.copy_(processes.summed(value) / processes.size)


def _mean_in_order(processes: Processes, bucket: distributed.GradBucket) -> Future[Tensor]:  # type: ignore[name-defined]
    """Return the mean of a bucket of gradients, each number added up in the order of the ranks.

    A ring adds the parts of a bucket in turning order, and DistributedDataParallel changes its buckets after the first
    step: a resumed run of three processes or more would end with other last bits.
    """
    found = bucket.buffer()
    each = -(-len(found) // processes.size)
    whole = found.new_zeros(processes.size * each)
    whole[: len(found)] = found
    parts = torch.empty_like(whole)
    distributed.all_to_all_single(parts, whole, group=processes.group)
    first, *others = parts.view(processes.size, each).unbind()
    for part in others:
        first.add_(part)
    mean = processes.gathered(first.div_(processes.size)).view(-1)
    done: Future[Tensor] = Future()
    done.set_result(found.copy_(mean[: len(found)]))
    return done
