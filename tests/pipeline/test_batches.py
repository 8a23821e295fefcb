"""Many things on threads: in order, few at a time, ended when nobody asks any more."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from marginface.errors import InputError
from marginface.pipeline.batches import in_order
from oracles.patience import PATIENCE


def sluggish(number: int) -> int:
    time.sleep(0.004 if number % 3 == 0 else 0.0)
    return number * number


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_results_come_in_the_order_of_the_items(workers: int, count: int) -> None:
    assert list(in_order(sluggish, range(count), workers)) == [number * number for number in range(count)]


def test_an_endless_iterator_is_taken_from_a_few_at_a_time_and_in_the_thread_that_asks() -> None:
    taken: list[int] = []
    threads: set[int] = set()

    def numbers() -> Iterator[int]:
        for number in itertools.count():
            taken.append(number)
            threads.add(threading.get_ident())
            yield number

    made = in_order(lambda number: number, numbers(), 2)
    for asked in range(10):
        assert next(made) == asked
        assert len(taken) <= asked + 1 + 4
    made.close()  # type: ignore[attr-defined]
    assert threads == {threading.get_ident()}


def test_all_workers_work_at_once() -> None:
    meeting = threading.Barrier(4)
    assert list(in_order(lambda _: meeting.wait(PATIENCE) >= 0, range(8), 4)) == [True] * 8


def test_whoever_stops_early_leaves_no_thread_behind() -> None:
    made = in_order(sluggish, itertools.count(), 3)
    next(made)
    made.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("photos")]


def test_an_error_comes_where_the_result_would_have() -> None:
    def fails_at_three(number: int) -> int:
        if number == 3:
            raise KeyError(number)
        return number

    made = in_order(fails_at_three, range(6), 2)
    assert [next(made) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError):
        next(made)


def test_no_workers_and_too_many_are_refused_before_anything_is_asked_for() -> None:
    for workers in (0, 10**30):
        with pytest.raises(InputError, match=f"workers is at least 1 and at most 1,024; got {workers}"):
            in_order(sluggish, range(3), workers)
