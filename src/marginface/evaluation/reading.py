"""Read ahead on threads, batch by batch, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Progress = Callable[[int, int], None]  # (images done, images)
Item = TypeVar("Item")
Read = TypeVar("Read")


def read_ahead(
    read: Callable[[Item], Read], items: Sequence[Item], workers: int, size: int = 64
) -> Iterator[list[Read]]:
    """Yield what ``read`` makes of the items, ``size`` at a time and in order, while the next are being read."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[list[Future[Read]]] = deque()
        for start in range(0, len(items), size):
            waiting.append([pool.submit(read, item) for item in items[start : start + size]])
            if len(waiting) > 1:
                yield [future.result() for future in waiting.popleft()]
        while waiting:
            yield [future.result() for future in waiting.popleft()]
