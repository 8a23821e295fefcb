"""Which classes a process has."""

from __future__ import annotations

from dataclasses import dataclass

from marginface.errors import InputError


@dataclass(frozen=True)
class Shard:
    """The classes start … stop − 1 of C.

    Attributes:
        start: the first.
        stop: the one after the last.
        num_classes: C.

    Raises:
        InputError: it has no class, or one that is not among the C.
    """

    start: int
    stop: int
    num_classes: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop <= self.num_classes:
            raise InputError(
                f"a shard has classes start … stop − 1 of num_classes, at least one; got {self.start} … "
                f"{self.stop - 1} of {self.num_classes}"
            )

    @property
    def size(self) -> int:
        """The number of classes here."""
        return self.stop - self.start

    @property
    def has_others(self) -> bool:
        """Whether some classes are elsewhere."""
        return self.size < self.num_classes


def shard_of(num_classes: int, rank: int, world_size: int) -> Shard:
    """Return the classes of a process: neighbors, and as many as any other process has, but for one.

    Args:
        num_classes: C.
        rank: which process, 0 … world_size − 1.
        world_size: the number of processes, at most C.

    Raises:
        InputError: there is no such process, or there are fewer classes than processes.

    >>> [shard_of(10, rank, 3).size for rank in range(3)]
    [3, 3, 4]
    """
    if not 0 <= rank < world_size:
        raise InputError(f"rank is that of one of {world_size} processes, from 0; got {rank}")
    if num_classes < world_size:
        raise InputError(
            f"each of {world_size} processes has at least one class; got num_classes {num_classes}. Choose "
            "implementation 'dense' or 'chunked', which each process computes for itself, or fewer processes"
        )
    start, stop = (num_classes * place // world_size for place in (rank, rank + 1))
    return Shard(start, stop, num_classes)
