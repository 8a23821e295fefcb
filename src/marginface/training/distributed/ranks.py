"""The processes of a run, and what they tell each other besides features and gradients."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from marginface.errors import RankFailed
from marginface.losses.sharded import Processes

PARENT = "MARGINFACE_LAUNCHED_BY"  # the process id of the launcher of ``marginface train --procs``
_FAILURE = "failure"
_POLL = 0.05  # seconds


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process stands among those of a run, as torchrun and ``--procs`` say it in its environment.

    Attributes:
        rank: of this process, 0 … size − 1.
        size: how many there are on all machines.
        local_rank: of this process among those of its machine.
        local_size: how many those are.
        machine: which one it is.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    machine: int = 0

    @classmethod
    def here(cls) -> Place:
        """Return the place of this process; alone where nobody has started it as one of several."""
        said = os.environ
        if "RANK" not in said or "WORLD_SIZE" not in said:
            return cls()
        rank, size = int(said["RANK"]), int(said["WORLD_SIZE"])
        local_rank, local_size = int(said.get("LOCAL_RANK", rank)), int(said.get("LOCAL_WORLD_SIZE", size))
        return cls(rank, size, local_rank, local_size, int(said.get("GROUP_RANK", 0)))

    @property
    def resume_options(self) -> str:
        """What to add to a command that goes on with a run, so that as many processes do."""
        if self.size == 1:
            return ""
        return f" --procs {self.size}" if PARENT in os.environ else ", by torchrun as before or in one process"


class Store(Protocol):
    """Where all processes can leave a word: what is used of a store of torch.distributed."""

    def set(self, key: str, value: str, /) -> None:
        """Leave a word."""
        ...

    def get(self, key: str, /) -> bytes:
        """Return a word that is there."""
        ...

    def check(self, keys: list[str], /) -> bool:
        """Say whether all of these are there."""
        ...

    def compare_set(self, key: str, expected: str, wanted: str, /) -> bytes:
        """Leave a word where none is, expected is "" then; return what is there afterwards."""
        ...


class Ranks:
    """The processes of a run, seen from one of them; without arguments a process alone.

    Every method that says so must be called by all of them, in the same order.

    Args:
        place: of this process.
        store: where all can leave a word, None for a process alone.

    Attributes:
        place: as given.
        processes: the same ones, for features and gradients.
    """

    def __init__(self, place: Place = Place(), store: Store | None = None) -> None:
        self.place = place
        self.processes = Processes.of(None) if place.size > 1 else Processes(1, 0, None)
        self._store = store
        self._sayings = 0

    @property
    def size(self) -> int:
        """How many there are."""
        return self.place.size

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0: the one that writes and speaks."""
        return self.place.rank == 0

    @property
    def is_orphan(self) -> bool:
        """Whether the launcher that started this process has ended."""
        parent = os.environ.get(PARENT)
        return parent is not None and self.size > 1 and os.getppid() != int(parent)

    def describe(self) -> str:
        """Return " in each of R processes" for the plan of a run; nothing for a process alone."""
        return f" in each of {self.size} processes" if self.size > 1 else ""

    def mean(self, value: float) -> float:
        """Return the mean over all; all call it."""
        if self.size == 1:
            return value
        return float(self.processes.summed(torch.tensor(value, dtype=torch.float64))) / self.size

    def any(self, wanted: bool) -> bool:
        """Say whether it holds in any; all call it."""
        return self.mean(float(wanted)) > 0

    def meet(self) -> None:
        """Wait until all have come here."""
        self.any(wanted=False)

    def part_of(self, count: int) -> slice:
        """Return this process's share of so many things: neighbors, as many as any other has, but for one."""
        start, stop = (count * place // self.size for place in (self.place.rank, self.place.rank + 1))
        return slice(start, stop)

    def rows_of_all(self, mine: Tensor) -> Tensor:
        """Return the rows (n, …) of all processes, one after the other; n may differ. All call it."""
        if self.size == 1:
            return mine
        counts = self.processes.gathered(torch.tensor([len(mine)])).flatten().tolist()
        padding = [0, 0] * (mine.ndim - 1) + [0, max(counts) - len(mine)]
        parts = self.processes.gathered(functional.pad(mine, padding))
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    def first_says(self, text: str) -> str:
        """Return what rank 0 has as text; all call it. They may wait as long as it takes."""
        if self._store is None:
            return text
        key = f"said {self._sayings}"
        self._sayings += 1
        if self.is_first:
            self._store.set(key, text)
            return text
        self._wait_for(key)
        return self._store.get(key).decode()

    @contextmanager
    def first_on_machine(self, work: str) -> Iterator[None]:
        """Let the first process of each machine run the block, then the others; all call it.

        For work that the first one keeps on disk. The others may wait as long as it takes.
        """
        if self._store is None:
            yield
            return
        done = f"{work} on {self.place.machine}"
        if self.place.local_rank > 0:
            self._wait_for(done)
        yield
        if self.place.local_rank == 0:
            self._store.set(done, "")

    def tell_failure(self, text: str, kind: str) -> bool:
        """Tell all why this process ends, and by what class of error; say whether it is the first to do so."""
        assert self._store is not None, "a process alone has nobody to tell"
        mine = f"{kind}\nrank {self.place.rank}: {text}"
        return self._store.compare_set(_FAILURE, "", mine).decode() == mine

    def check_failure(self) -> None:
        """Raise RankFailed if a process has said why it ends."""
        if self._store is not None and self._store.check([_FAILURE]):
            kind, _, text = self._store.get(_FAILURE).decode().partition("\n")
            raise RankFailed(text, kind)

    def silent(self, patience: float) -> list[int]:
        """Say that this process lives, and return the ranks that do not say so within seconds.

        Raises:
            RankFailed: a process has said why it ends.
        """
        assert self._store is not None, "a process alone misses nobody"
        self._store.set(f"alive {self.place.rank}", "")
        deadline = time.monotonic() + patience
        while True:
            self.check_failure()
            missing = [rank for rank in range(self.size) if not self._store.check([f"alive {rank}"])]
            if not missing or time.monotonic() > deadline:
                return missing
            time.sleep(_POLL)

    def _wait_for(self, key: str) -> None:
        assert self._store is not None, "a process alone waits for nobody"
        while not self._store.check([key]):
            self.check_failure()
            time.sleep(_POLL)
