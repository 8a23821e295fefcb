"""Many things through one function on threads, in order, with few of them in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from marginface.errors import InputError

Item = TypeVar("Item")
Made = TypeVar("Made")

_AHEAD = 2  # for each thread: one at work, one that waits
_MOST = 1024  # threads


def in_order(work: Callable[[Item], Made], items: Iterable[Item], workers: int) -> Iterator[Made]:
    """Yield what ``work`` makes of each item, in the order of the items.

    Items are taken from their iterator in the thread of who asks, at most two for each worker ahead of what was
    yielded: an endless iterator may be given, and one of photos needs the memory of a few. Whoever stops early waits
    for what is at work and no longer.

    Raises:
        InputError: ``workers`` is below 1 or above 1,024. What ``work`` raises comes where its result would have come.
    """
    if not 1 <= workers <= _MOST:
        raise InputError(f"workers is at least 1 and at most {_MOST:,}; got {workers}")
    return _in_order(work, iter(items), workers)


def _in_order(work: Callable[[Item], Made], items: Iterator[Item], workers: int) -> Iterator[Made]:
    pool = ThreadPoolExecutor(workers, thread_name_prefix="photos")
    waiting: deque[Future[Made]] = deque()
    try:
        waiting.extend(pool.submit(work, item) for item in islice(items, _AHEAD * workers))
        while waiting:
            made = waiting.popleft().result()
            waiting.extend(pool.submit(work, item) for item in islice(items, 1))
            yield made
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
