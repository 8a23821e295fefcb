"""How the processes of a run come together, and part: in order, or with one sentence that says who is to blame."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import cache
from types import TracebackType

import torch
from torch import distributed

from marginface.errors import InputError, MarginfaceError, RankFailed, RankLost
from marginface.training.distributed.ranks import Place, Ranks
from marginface.training.interrupt import TrainingInterrupted

PATIENCE = timedelta(minutes=30)  # with a process that lives and does not come; one that dies is noticed at once
ROLL_CALL = 5.0  # seconds
_QUIET = 0.3  # seconds: freed while a thread of gloo still wants Python's lock, to free a tensor, a group never ends
_WORDS = ("gloo", "NCCL", "Connection closed by peer", "Connection reset", "Broken pipe", "Socket")

_meetings = itertools.count()


def joined(device: str) -> AbstractContextManager[Ranks]:
    """Return a context in which this process is one of those that were started with it, or alone.

    Where one of them fails, each of the others raises RankFailed with the same words; where one is killed, RankLost or
    RankFailed say which. None of them waits for what cannot come.

    Args:
        device: cpu or cuda; on cuda each process takes the GPU of its local rank.

    Raises:
        InputError: torch.distributed was started already, or there are fewer GPUs than processes.
    """
    place = Place.here()
    return nullcontext(Ranks()) if place.size == 1 else _Meeting(place, device)


class _Meeting:
    """The processes of a run, from the first handshake to the end of the group."""

    def __init__(self, place: Place, device: str) -> None:
        self._place, self._device = place, device

    def __enter__(self) -> Ranks:
        if distributed.is_initialized():
            raise InputError(
                "train() joins the processes that torchrun has started by itself, and torch.distributed has been "
                "started already. Leave init_process_group to train()"
            )
        if self._device == "cuda":
            _take_gpu(self._place.local_rank)
        if self._place.local_size == self._place.size:
            _use_loopback()
        store = distributed.PrefixStore(f"run {next(_meetings)}", _store())  # type: ignore[attr-defined, arg-type]
        distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if self._device == "cuda" else "gloo",
            store=distributed.PrefixStore("group", store),  # type: ignore[attr-defined]
            rank=self._place.rank,
            world_size=self._place.size,
            timeout=PATIENCE,
        )
        self._group = distributed.group.WORLD
        self._ranks = Ranks(self._place, store)
        return self._ranks

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None and not isinstance(error, TrainingInterrupted | RankFailed):
                self._part_over(error)
        finally:
            distributed.destroy_process_group()
            time.sleep(_QUIET)
            self._group = None

    def _part_over(self, error: BaseException) -> None:
        """Tell the others of an error, or raise what explains one that came from them."""
        _outlive_sigterm()
        try:
            if _is_of_others(error):
                raise self._lost(error) from None
            words = str(error) or type(error).__name__
            if not self._ranks.tell_failure(words, type(error).__name__):
                self._ranks.check_failure()
        except distributed.DistError:
            raise RankLost(
                "the process where all others meet (torchrun, the launcher, or rank 0) has ended, so this one ends "
                "too. The last checkpoint stands: start the same command again with --resume"
            ) from None

    def _lost(self, error: BaseException) -> MarginfaceError:
        """Return what there is to say after the connection to another process broke."""
        size, missing = self._place.size, self._ranks.silent(ROLL_CALL)
        if not missing:
            return RankLost(
                f"the {size} processes lost each other, though all of them live: {str(error).splitlines()[0]}. Look at "
                "the network between the machines, then start the same command again with --resume"
            )
        names = ", ".join(map(str, missing))
        text = (
            f"rank {names} of {size} has ended without a word: it was killed or has crashed. Out of memory is the "
            "usual cause: look for its process in dmesg. The others have ended too. The last checkpoint stands: start "
            "the same command again with --resume"
        )
        speaker = min(set(range(size)) - set(missing))
        return RankLost(text) if self._place.rank == speaker else RankFailed(text)


@cache
def _store() -> object:
    """Return where the processes of this environment meet; one for all runs of a process."""
    store, _, _ = next(iter(distributed.rendezvous("env://", timeout=PATIENCE)))  # type: ignore[attr-defined]
    found: object = store
    return found


def _take_gpu(local_rank: int) -> None:
    if local_rank >= torch.cuda.device_count():
        raise InputError(
            f"each process takes a GPU of its own, and this is number {local_rank + 1} on a machine with "
            f"{torch.cuda.device_count()}. Start as many processes as there are GPUs, or set train.device=cpu"
        )
    torch.cuda.set_device(local_rank)


def _use_loopback() -> None:
    """Let processes of one machine talk within it, unless somebody has chosen another interface."""
    interfaces = socket.if_nameindex() if hasattr(socket, "if_nameindex") else []
    for _, name in interfaces:
        if name in ("lo", "lo0"):
            os.environ.setdefault("GLOO_SOCKET_IFNAME", name)


def _is_of_others(error: BaseException) -> bool:
    """Say whether an error means that another process does not answer."""
    if isinstance(error, distributed.DistError):
        return True
    return type(error) is RuntimeError and any(word in str(error) for word in _WORDS)


def _outlive_sigterm() -> None:
    """Let torchrun, which ends all processes when one has failed, wait for the last words."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
