"""How many requests have their photos decoded at once."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marginface.server.middleware.bodies import takes_a_slot
from marginface.server.settings import Limits
from marginface.server.threads import RETRY_AFTER, Overloaded


class Slots:
    """Lets so many requests of a worker go on once their bodies are there; some wait, and the next comes again (503).

    A photo of 40 megapixels can be a file of 40 KB and is 120 MB of pixels. What limits the requests that compute must
    limit those that decode, or the pixels of all who wait lie in memory.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._most_waiting = limits.waiting
        self._slots = asyncio.Semaphore(limits.running)
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or not takes_a_slot(scope):
            await self._app(scope, receive, send)
            return
        visit = _Visit(self, receive, send)
        try:
            await self._app(scope, visit.receive, visit.send)
        finally:
            visit.leave()

    async def enter(self) -> None:
        """Wait for a slot; raise HTTPException if too many wait already."""
        if self._slots.locked() and self._waiting >= self._most_waiting:
            raise HTTPException(503, str(Overloaded(self._waiting)), {"Retry-After": str(RETRY_AFTER)})
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1

    def leave(self) -> None:
        """Give a slot back."""
        self._slots.release()


class _Visit:
    """One request, in a slot from its last byte to the first of its answer: who reads slowly keeps nobody waiting."""

    def __init__(self, slots: Slots, receive: Receive, send: Send) -> None:
        self._slots = slots
        self._receive = receive
        self._send = send
        self._is_in = False
        self._is_done = False

    async def receive(self) -> Message:
        message = await self._receive()
        is_last = message["type"] == "http.request" and not message.get("more_body", False)
        if is_last and not self._is_in and not self._is_done:
            await self._slots.enter()
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
