"""Work that is done before it is asked for, on threads.

Threads and not processes: decoding and the tensor operations release the interpreter's lock, so that threads keep the
cores busy, share what is kept in memory, and copy no batch from one process to another.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

from marginface.processors import usable_cpus

MOST_WORKERS = 8
T = TypeVar("T")


def prefetched(load: Callable[[int], T], numbers: Iterable[int], *, workers: int, ahead: int) -> Generator[T]:
    """Yield load(number) of every number, in their order; ``ahead`` of them are made or being made meanwhile.

    An error comes where its result would have come. Closing the iterator drops what has not begun and waits for what
    has. Each thread computes alone: a second team of OpenMP threads costs the training 5 to 14 %.

    Args:
        load: may be called from several threads.
        numbers: what to load.
        workers: how many threads.
        ahead: bounds the memory: at most so many results wait, besides the one that was yielded last.
    """
    waiting: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(workers, "prefetch", initializer=torch.set_num_threads, initargs=(1,))
    try:
        for number in numbers:
            waiting.append(pool.submit(load, number))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def default_workers() -> int:
    """Return how many threads make batches: the share of the cores of each process that torchrun started here."""
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return min(max(usable_cpus() // processes, 1), MOST_WORKERS)
