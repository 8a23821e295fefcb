"""Who waits for a slot: keys in turn, and none is lost, whoever leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from marginface.server.middleware.slots import Slots
from marginface.server.settings import Limits

Come = Callable[[str], asyncio.Task[None]]


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("no request comes through")


async def moment() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def scene(play: Callable[[Slots, Come, list[str]], Awaitable[None]], *, running: int = 1, waiting: int = 3) -> None:
    """Play a scene with slots; those who got one are listed in their order."""

    async def begin() -> None:
        slots, got = Slots(nothing, Limits(running=running, waiting=waiting)), list[str]()

        async def enter(who: str) -> None:
            await slots.enter(who)
            got.append(who)

        tasks: list[asyncio.Task[None]] = []

        def come(who: str) -> asyncio.Task[None]:
            tasks.append(asyncio.ensure_future(enter(who)))
            return tasks[-1]

        await play(slots, come, got)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(asyncio.wait_for(begin(), 10))


def test_keys_wait_in_turn_whoever_of_them_has_sent_most() -> None:
    async def play(slots: Slots, come: Come, got: list[str]) -> None:
        for who in ("a", "a", "a", "b"):
            come(who)
        await moment()
        for _ in range(3):
            slots.leave()
            await moment()
        assert got == ["a", "a", "b", "a"]

    scene(play)


def test_the_last_place_is_made_free_by_who_has_most() -> None:
    async def play(slots: Slots, come: Come, got: list[str]) -> None:
        greedy = [come("a") for _ in range(4)]
        await moment()
        other = come("b")
        await moment()
        with pytest.raises(HTTPException, match="come again") as refused:
            await greedy[-1]
        assert refused.value.status_code == 503
        assert not other.done(), "it waits"
        for who in ("a", "b"):  # nobody has more than they would have then
            with pytest.raises(HTTPException):
                await come(who)
        slots.leave()
        await moment()
        slots.leave()
        await moment()
        assert got == ["a", "a", "b"]

    scene(play)


def test_where_nobody_may_wait_the_next_one_is_told_at_once() -> None:
    async def play(slots: Slots, come: Come, got: list[str]) -> None:
        come("a")
        await moment()
        with pytest.raises(HTTPException):
            await come("b")
        slots.leave()
        await come("b")
        assert got == ["a", "b"]

    scene(play, waiting=0)


def leave_before(slots: Slots, waiting: asyncio.Task[None]) -> None:
    slots.leave()
    waiting.cancel()


def leave_after(slots: Slots, waiting: asyncio.Task[None]) -> None:
    waiting.cancel()
    slots.leave()


@pytest.mark.parametrize("together", [leave_before, leave_after])
def test_who_leaves_in_the_moment_of_a_slot_takes_none_along(
    together: Callable[[Slots, asyncio.Task[None]], None],
) -> None:
    async def play(slots: Slots, come: Come, got: list[str]) -> None:
        come("a")
        gone, next_one = come("b"), come("c")
        await moment()
        together(slots, gone)
        await moment()
        assert gone.cancelled()
        await next_one
        slots.leave()
        await come("d")
        assert got == ["a", "c", "d"]

    scene(play)


def test_who_is_sent_away_and_leaves_in_the_same_moment_gives_no_slot_back() -> None:
    async def play(slots: Slots, come: Come, got: list[str]) -> None:
        *_, last = [come("a") for _ in range(4)]
        await moment()
        come("b")
        await asyncio.sleep(0)
        last.cancel()
        await moment()
        assert got == ["a"], "one slot, and one has it"

    scene(play)
