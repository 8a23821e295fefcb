"""Who makes the shards: this process, or workers on Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from marginface.batch.on_ray import OnRay
from marginface.batch.shard import Mark, Order, Shard, make_shard
from marginface.errors import InputError
from marginface.registry import Registry


class Executor(Protocol):
    """Makes shards and yields the mark of each as it is done, in any order."""

    def make(self, order: Order, shards: Sequence[Shard]) -> Iterator[Mark]:
        """Make these shards."""
        ...


@dataclass(frozen=True, slots=True)
class InProcess:
    """One shard after the other, the images of each on threads."""

    threads: int = 2

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise InputError(f"workers is at least 1; got {self.threads}")

    def make(self, order: Order, shards: Sequence[Shard]) -> Iterator[Mark]:
        """Make these shards."""
        for shard in shards:
            yield make_shard(order, shard, self.threads)


def _in_process(workers: int, address: str) -> Executor:
    if address:
        raise InputError(f"--address {address} is the address of a Ray cluster: say --engine ray as well")
    return InProcess(workers)


EXECUTORS: Registry[Callable[[int, str], Executor]] = Registry("engine")  # of workers and address
EXECUTORS.add("local", _in_process)
EXECUTORS.add("ray", lambda workers, address: OnRay(address, workers))
