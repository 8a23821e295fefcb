"""How much is computed at once: some requests run, some wait, and the next is told to come again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from marginface.errors import MarginfaceError

Item = TypeVar("Item")
Answer = TypeVar("Answer")
RETRY_AFTER = 1  # seconds
LONG_RUNNING, LONG_WAITING = 2, 8  # of what takes long: checks of all records, exports; the same of who looks at runs


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
        return (await self.run_each(lambda _: function(*arguments), (None,)))[0]

    async def run_each(self, function: Callable[[Item], Answer], items: Sequence[Item]) -> list[Answer]:
        """Return what a function returns for each item, on as many threads as are free; it counts as one that runs.

        Raises:
            Overloaded: Too many wait already; nothing was called. What the function raises comes when all are done.
        """
        if self._asked >= self._most:
            raise Overloaded(self._asked)
        self._count(1)
        try:
            calls = (to_thread.run_sync(function, item, limiter=self._threads) for item in items)
            return all_or_first_error(await asyncio.gather(*calls, return_exceptions=True))
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        self._asked += more
        if self._watch is not None:
            self._watch(self._asked)


def all_or_first_error(answers: Sequence[Answer | BaseException]) -> list[Answer]:
    """Return what several calls gave; raise the first error where there is one."""
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]
