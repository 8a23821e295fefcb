"""Starting the processes of a run on this machine, and ending them all when one has ended badly."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from torch import distributed

from marginface.errors import InputError, RankLost
from marginface.processors import usable_cpus
from marginface.training.distributed.ranks import PARENT

_POLL = 0.05  # seconds
_LAST_WORDS = 20.0  # seconds that the others have after one has failed
_HOST = "127.0.0.1"


def is_launched() -> bool:
    """Say whether this process was started as one of several."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def is_launched_here() -> bool:
    """Say whether ``launch`` started this process, and not torchrun."""
    return is_launched() and PARENT in os.environ


def launch(command: Sequence[str], processes: int) -> int:
    """Run a command in so many processes on this machine; return the exit status of the first that fails, or 0.

    They talk over the loopback interface. Ctrl-C and SIGTERM are passed on, and the launcher waits until all have ended
    in order; a second one ends them at once.

    Args:
        command: the program and its arguments, the same for all; a process knows its rank from its environment.
        processes: how many.

    Raises:
        InputError: fewer than one process, or this one is itself one of several.
        RankLost: one was killed or crashed.
    """
    if processes < 1 or is_launched():
        raise InputError(
            f"--procs is a number of processes, 1 or more, and torchrun starts its own; got {processes}"
            + (" in a process of torchrun: leave --procs out" if is_launched() else "")
        )
    store = distributed.TCPStore(_HOST, 0, is_master=True, wait_for_workers=False)  # type: ignore[attr-defined]
    workers = _Workers([_start(command, rank, processes, store.port) for rank in range(processes)])
    try:
        with _signals_passed_on(workers):
            return workers.wait()
    finally:
        workers.kill()


def _start(command: Sequence[str], rank: int, processes: int, port: int) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own: a Ctrl-C at the terminal is for the launcher alone."""
    return subprocess.Popen(command, env=environment(rank, processes, port), start_new_session=True)  # noqa: S603


def environment(rank: int, processes: int, port: int) -> Mapping[str, str]:
    """Return what torchrun says to a process, and a share of the processor's cores."""
    said = {
        "RANK": rank,
        "LOCAL_RANK": rank,
        "WORLD_SIZE": processes,
        "LOCAL_WORLD_SIZE": processes,
        "GROUP_RANK": 0,
        "MASTER_ADDR": _HOST,
        "MASTER_PORT": port,
        "TORCHELASTIC_USE_AGENT_STORE": True,
        PARENT: os.getpid(),
    }
    unless_said = {
        "OMP_NUM_THREADS": max(usable_cpus() // processes, 1),
        "TORCH_CPP_LOG_LEVEL": "ERROR",  # what a lost connection means is said in our words
    }
    return {key: str(value) for key, value in {**unless_said, **os.environ, **said}.items()}


@dataclass(slots=True)
class _Workers:
    """The processes that were started, by rank."""

    processes: list[subprocess.Popen[bytes]]
    asked_to_stop: int = field(default=0)

    def wait(self) -> int:
        """Wait until all have ended; see launch."""
        first_failed: int | None = None
        deadline = float("inf")
        while any(process.poll() is None for process in self.processes):
            failed = self._failed()
            if failed is not None and first_failed is None:
                first_failed, deadline = failed, time.monotonic() + _LAST_WORDS
            if first_failed is not None and self.processes[first_failed].returncode < 0:
                break
            if time.monotonic() > deadline:
                break
            time.sleep(_POLL)
        failed = self._failed() if first_failed is None else first_failed
        return 0 if failed is None else self._status_of(failed)

    def stop(self) -> None:
        """Ask all to end in order; the second time, at once."""
        self.asked_to_stop += 1
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM if self.asked_to_stop == 1 else signal.SIGINT)

    def kill(self) -> None:
        """End what is left."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def _failed(self) -> int | None:
        """Return the rank of a process that has ended badly, one that was killed before others; None if none has."""
        ended = [rank for rank, process in enumerate(self.processes) if process.poll() not in (0, None)]
        return min(ended, key=lambda rank: self.processes[rank].returncode > 0, default=None)

    def _status_of(self, rank: int) -> int:
        """Return the exit status of a process that has failed, and has said why."""
        process = self.processes[rank]
        if process.returncode > 0:
            return process.returncode
        name = signal.Signals(-process.returncode).name
        cause = " Out of memory is the usual cause: see dmesg." if name == "SIGKILL" else ""
        raise RankLost(
            f"rank {rank} of {len(self.processes)} (process {process.pid}) was ended by {name}.{cause} The others have "
            "been ended too. The last checkpoint stands: start the same command again with --resume"
        )


@contextmanager
def _signals_passed_on(workers: _Workers) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(_number: int, _frame: FrameType | None) -> None:
        workers.stop()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
