"""Work ahead on threads: in order, bounded, and with every error at its place."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from marginface.errors import DataError
from marginface.training.feed import prefetch
from marginface.training.feed.prefetch import default_workers, prefetched
from oracles.patience import PATIENCE


@pytest.mark.parametrize(("workers", "ahead"), [(1, 1), (2, 3), (4, 2), (8, 40)])
def test_results_come_in_order_whoever_is_faster(workers: int, ahead: int) -> None:
    def load(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * number

    assert list(prefetched(load, range(20), workers=workers, ahead=ahead)) == [n * n for n in range(20)]


def test_no_more_is_made_than_was_allowed() -> None:
    begun: list[int] = []
    results = prefetched(lambda number: begun.append(number), range(50), workers=2, ahead=3)
    assert begun == [], "nothing is made before it is asked for"
    for used in range(1, 6):
        next(results)
        time.sleep(0.02)
        assert len(begun) <= used + 3
    results.close()


def test_the_next_ones_are_made_while_one_is_used() -> None:
    made = threading.Event()

    def load(number: int) -> int:
        if number == 2:
            made.set()
        return number

    results = prefetched(load, range(5), workers=1, ahead=2)
    assert next(results) == 0
    assert made.wait(PATIENCE)
    results.close()


def test_an_error_comes_where_its_result_would_have_come() -> None:
    def load(number: int) -> int:
        if number == 3:
            raise DataError("crops/x.jpg: it was readable and is not now")
        return number

    results = prefetched(load, range(10), workers=4, ahead=6)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(DataError, match=r"crops/x\.jpg"):
        next(results)


def test_closing_drops_what_has_not_begun_and_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    go_on = threading.Event()
    others = set(threading.enumerate())

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            go_on.set()  # what has begun ends only after the others were dropped
            super().shutdown(wait=wait)

    def load(number: int) -> int:
        begun.append(number)
        if number:
            go_on.wait(PATIENCE)
        return number

    monkeypatch.setattr(prefetch, "ThreadPoolExecutor", Pool)
    results = prefetched(load, range(100), workers=1, ahead=20)
    next(results)
    results.close()
    assert len(begun) <= 2
    new = set(threading.enumerate()) - others
    assert not [thread for thread in new if thread.name.startswith("prefetch")]


def test_the_threads_compute_alone_and_the_caller_as_before() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert list(prefetched(lambda _: torch.get_num_threads(), range(4), workers=2, ahead=2)) == [1, 1, 1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("cores", "processes", "expected"), [(2, "1", 2), (64, "1", 8), (64, "16", 4), (2, "4", 1)])
def test_processes_of_one_machine_share_its_cores(
    cores: int, processes: str, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "usable_cpus", lambda: cores)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", processes)
    assert default_workers() == expected
