"""How many requests have their photos decoded at once."""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marginface.server.access import Caller
from marginface.server.middleware.bodies import takes_a_slot
from marginface.server.settings import Limits
from marginface.server.threads import RETRY_AFTER, Overloaded


class Slots:
    """Lets so many requests of a worker go on once their bodies are there; some wait, and the next comes again (503).

    A photo of 40 megapixels can be a file of 40 KB and is 120 MB of pixels. What limits the requests that compute must
    limit those that decode, or the pixels of all who wait lie in memory.

    Keys wait in turn, and where no place is left the last one of the key that has most goes: a key that sends what
    takes long keeps others from neither.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._free = limits.running
        self._most_waiting = limits.waiting
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}  # by who asks; who is first has the next turn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or not takes_a_slot(scope):
            await self._app(scope, receive, send)
            return
        visit = _Visit(self, _who(scope), receive, send)
        try:
            await self._app(scope, visit.receive, visit.send)
        finally:
            visit.leave()

    async def enter(self, who: str) -> None:
        """Wait for a slot; raise HTTPException if too many wait already."""
        if self._free:
            self._free -= 1
            return
        if sum(map(len, self._waiting.values())) >= self._most_waiting:
            self._make_room(who)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            self._forget(who, turn)
            if not turn.cancelled() and turn.exception() is None:  # a slot was given in the same moment
                self.leave()
            raise

    def leave(self) -> None:
        """Give a slot back: to the first of the key whose turn it is, which then is behind the others."""
        while self._waiting:
            who = next(iter(self._waiting))
            turns = self._waiting.pop(who)
            turn = turns.popleft()
            if turns:
                self._waiting[who] = turns
            if not turn.done():  # who waited may have left in the same moment
                turn.set_result(None)
                return
        self._free += 1

    def _make_room(self, who: str) -> None:
        """Send the last one away of who has most waiting; raise HTTPException if nobody has more than who comes."""
        most = max(self._waiting.values(), key=len, default=deque[asyncio.Future[None]]())
        if len(most) <= 1 + len(self._waiting.get(who, ())):
            raise self._full()
        last = most.pop()
        if not last.done():
            last.set_exception(self._full())

    def _forget(self, who: str, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(who, deque())
        if turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[who]

    def _full(self) -> HTTPException:
        return HTTPException(503, str(Overloaded(self._most_waiting)), {"Retry-After": str(RETRY_AFTER)})


class _Visit:
    """One request, in a slot from its last byte to the first of its answer: who reads slowly keeps nobody waiting."""

    def __init__(self, slots: Slots, who: str, receive: Receive, send: Send) -> None:
        self._slots = slots
        self._who = who
        self._receive = receive
        self._send = send
        self._is_in = False
        self._is_done = False

    async def receive(self) -> Message:
        message = await self._receive()
        is_last = message["type"] == "http.request" and not message.get("more_body", False)
        if is_last and not self._is_in and not self._is_done:
            await self._slots.enter(self._who)
            self._is_in = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.leave()
        await self._send(message)

    def leave(self) -> None:
        """Give the slot back, once."""
        if self._is_in and not self._is_done:
            self._slots.leave()
        self._is_done = True


def _who(scope: Scope) -> str:
    """Return the id of the key that asks, as middleware.keys has found it."""
    caller = scope.get("state", {}).get("recognized")
    return caller.id if isinstance(caller, Caller) else ""
