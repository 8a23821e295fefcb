"""What this machine has: memory, and how fast it multiplies at the shape of a tile."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import get_args

import torch

from marginface.errors import InputError
from marginface.losses.chunked.tiles import Multiply, Tiling

GIVEN = "given"  # a multiply rate of the user's
_CLASSES, _ROUNDS = 32_768, 3  # with their gradient more than caches hold, as in a head of many classes
_SAMPLES = 256  # more make the rate no better


@dataclass(frozen=True)
class Machine:
    """What each process has.

    Attributes:
        memory: bytes.
        gflops: 1e9 operations per second in matrix products, by name of the precision.
        threads: that they were measured with; None: they were not measured.

    Raises:
        InputError: a number is not above 0.
    """

    memory: int
    gflops: Mapping[str, float]
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.memory <= 0:
            raise InputError(f"memory is above 0 bytes; got {self.memory}")
        for name, rate in self.gflops.items():
            if not 0 < rate < inf:
                raise InputError(f"the multiply rate ({name}) is above 0 GFLOP/s; got {rate}")


def this_memory() -> int:
    """Return the bytes of memory that this machine has, or its container may use.

    Raises:
        InputError: the system does not say.
    """
    try:
        found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        raise InputError("this system does not say how much memory it has: give --memory-gb") from None
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return found
    return min(found, int(limit)) if limit.isdigit() else found


def machine_of(memory_gb: float | None, gflops: float | None, dim: int, samples: int) -> Machine:
    """Return a machine with the memory (1e9 bytes) and multiply rate that are given, or with this one's.

    Raises:
        InputError: a number is not above 0, or this system does not say how much memory it has.
    """
    if memory_gb is not None and not 0 < memory_gb * 1e9 < inf:
        raise InputError(f"memory is above 0 GB; got {memory_gb}")
    memory = this_memory() if memory_gb is None else int(memory_gb * 1e9)
    if gflops is not None:
        return Machine(memory, {GIVEN: gflops})
    return Machine(memory, multiply_rates(dim, samples), torch.get_num_threads())


def multiply_rates(dim: int, samples: int) -> dict[str, float]:
    """Return the GFLOP/s of the three products of a tile with so many samples, by precision, in this process's threads.

    It takes a fraction of a second. The best of several rounds counts, so that other work on the machine disturbs less.
    """
    samples = min(samples, _SAMPLES)
    return {multiply: _rate(dim, samples, Tiling(multiply=multiply)) for multiply in get_args(Multiply)}


def _rate(dim: int, samples: int, tiling: Tiling) -> float:
    each = tiling.classes_for(samples)
    centers = torch.randn(_CLASSES // each, each, dim)
    features, logits = torch.randn(samples, dim), torch.empty(each, samples)
    by_features, by_centers = torch.zeros(samples, dim), torch.empty_like(centers)

    def products(tile: int) -> None:
        torch.mm(centers[tile], features.T, out=logits)
        by_features.addmm_(logits.T, centers[tile])
        torch.mm(logits, features, out=by_centers[tile])

    with tiling.multiplying(centers):
        rounds = [[_seconds(products, tile) for tile in range(len(centers))] for _ in range(_ROUNDS)]
    best: float = sum(min(times) for times in zip(*rounds, strict=True))
    return 3 * 2 * centers.numel() * samples / best / 1e9


def _seconds(work: Callable[[int], None], tile: int) -> float:
    """Return how long a tile takes: with one thread the processor's time, which other work on it does not lengthen."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    begun = clock()
    work(tile)
    return clock() - begun
