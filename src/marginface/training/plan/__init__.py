"""What a head of C identities takes, before machines are bought: memory, products and traffic of each way to do it.

head      what is to be trained, and the ways
memory    bytes of a process at its peak
work      multiplications and traffic of a step
machine   what this machine has: memory, and its multiply rate at the shape of a tile

Not in these figures: the interpreter and torch (about 0.3 GB), backbone, activations and images; element-wise work,
the optimizer's passes over the centers, waiting for the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from marginface.errors import InputError
from marginface.training.plan.head import Head, Way, head_of, way_of, ways_of
from marginface.training.plan.machine import GIVEN, Machine, machine_of, multiply_rates, this_memory
from marginface.training.plan.memory import Moment, peak_of
from marginface.training.plan.work import multiplications, sent_bytes

__all__ = [
    "GIVEN",
    "Head",
    "Machine",
    "Moment",
    "Plan",
    "Price",
    "Way",
    "check_ranks",
    "head_of",
    "machine_of",
    "multiply_rates",
    "plan",
    "price",
    "this_memory",
    "way_of",
    "ways_of",
]

MOST_PROCESSES = 4096  # that are tried where nothing fits


@dataclass(frozen=True)
class Price:
    """What a way takes, each process.

    Attributes:
        way: how the head is computed.
        peak: the moment of a step with the most memory, by parts.
        multiplications: of a step, in the matrix products; a multiplication and its addition are two operations.
        seconds: of those products, by name of the multiply rate.
        sent_bytes: what a process sends in a step; it receives as much.
        fits: whether the peak is within the memory.
    """

    way: Way
    peak: Moment
    multiplications: int
    seconds: Mapping[str, float]
    sent_bytes: int
    fits: bool


@dataclass(frozen=True)
class Plan:
    """A head, a machine for each process, and the prices of all ways."""

    head: Head
    ranks: int
    machine: Machine
    prices: tuple[Price, ...]

    def advice(self) -> str:
        """Say which of the ways to take; where none fits, from how many processes on the leanest exact one does."""
        fitting = next((price.way for price in self.prices if price.fits and price.way.implementation != "dense"), None)
        if fitting is not None:
            over = "" if fitting.ranks == 1 else f", over {fitting.ranks:,} processes"
            return f"The first that fits, dense left out: {fitting.name}{over}.\n{_how(fitting)}"
        leanest = next(price.way for price in reversed(self.prices) if price.way.sample_rate == 1)
        ranks = fewest_processes(self.head, leanest, self.machine)
        if ranks is None:
            return f"None of these fits, nor would up to {MOST_PROCESSES:,} processes of this memory."
        return (
            f"None of these fits. Over {ranks:,} processes of this memory it does: {leanest.name}.\n"
            f"{_how(leanest.over(ranks))}"
        )


def plan(head: Head, ranks: int, machine: Machine) -> Plan:
    """Return what a head takes in one process, and over ``ranks`` of them.

    >>> machine = Machine(memory=24 * 10**9, gflops={"float32": 140.0}, threads=1)
    >>> for found in plan(Head(classes=5_000_000, dim=512, batch=128), 1, machine).prices:
    ...     print(f"{found.way.name}: {found.peak.bytes / 1e9:.0f} GB", found.fits)
    dense: 72 GB False
    chunked, stored: 41 GB False
    chunked, recomputed: 41 GB False
    recomputed, optimizer in backward: 21 GB True
    the same, sample rate 0.1: 23 GB True

    Raises:
        InputError: there are more processes than classes, or less than one.
    """
    check_ranks(head, ranks)
    return Plan(head, ranks, machine, tuple(price(head, way, machine) for way in ways_of(head, ranks)))


def _how(way: Way) -> str:
    """Say how a way is chosen."""
    if way.ranks == 1:
        return f"In a recipe: {way.keys()}"
    return (
        f"In a recipe: {way.keys()}\n"
        f"Started with marginface train RECIPE --out DIR --procs {way.ranks}, or by torchrun over several machines; "
        "[train] batch_size is that of all processes together."
    )


def check_ranks(head: Head, ranks: int) -> None:
    """Raise InputError if there are more processes than classes, or less than one."""
    if not 1 <= ranks <= head.classes:
        raise InputError(
            f"each process holds at least one class, so 1 ≤ ranks ≤ classes; got {ranks:,} for {head.classes:,} classes"
        )


def price(head: Head, way: Way, machine: Machine) -> Price:
    """Return what one way takes."""
    peak, count = peak_of(head, way), multiplications(head, way)
    seconds = {name: 2 * count / (1e9 * rate) for name, rate in machine.gflops.items()}
    fits = peak.bytes <= machine.memory
    return Price(way, peak, count, MappingProxyType(seconds), sent_bytes(head, way), fits)


def fewest_processes(head: Head, way: Way, machine: Machine) -> int | None:
    """Return over how many processes a way fits, each with this memory and the same batch; None: not up to 4,096."""
    tried = range(1, min(MOST_PROCESSES, head.classes) + 1)
    return next((ranks for ranks in tried if peak_of(head, way.over(ranks)).bytes <= machine.memory), None)
