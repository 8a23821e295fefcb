"""How much is computed at once: some requests run, some wait, and the next is told to come again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from marginface.errors import MarginfaceError

Answer = TypeVar("Answer")
RETRY_AFTER = 1  # seconds


class Overloaded(MarginfaceError):
    """More requests wait than the service lets wait; come again after ``retry_after`` seconds."""

    retry_after = RETRY_AFTER

    def __init__(self, waiting: int) -> None:
        super().__init__(f"the service is computing and {waiting} requests wait; come again in {RETRY_AFTER} s")


class Work:
    """Runs blocking functions on threads of one worker, a bounded number of them.

    Args:
        running: How many at once.
        waiting: How many may wait for that.
        watch: Called with how many run or wait, when that changes.
    """

    def __init__(self, running: int, waiting: int, watch: Callable[[int], None] | None = None) -> None:
        self._watch = watch
        self._threads = CapacityLimiter(running)
        self._most = running + waiting
        self._asked = 0

    @property
    def depth(self) -> int:
        """How many run or wait."""
        return self._asked

    async def run(self, function: Callable[..., Answer], *arguments: object) -> Answer:
        """Return what a function returns, called on a thread.

        Raises:
            Overloaded: Too many wait already; nothing was called.
        """
        if self._asked >= self._most:
            raise Overloaded(self._asked)
        self._count(1)
        try:
            return await to_thread.run_sync(function, *arguments, limiter=self._threads)
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        self._asked += more
        if self._watch is not None:
            self._watch(self._asked)
