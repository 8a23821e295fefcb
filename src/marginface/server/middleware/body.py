"""How large a request may be, and how slow."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marginface.server.middleware.bodies import is_archive, may_hold_photos
from marginface.server.refusals import error_answer
from marginface.server.settings import Limits
from marginface.server.threads import RETRY_AFTER

_NO_ROOM = "the service holds as many photos as it may; come again in a moment"
_JSON_BYTES = 512 << 10  # becomes up to 25 times as much memory, and stops the worker while it is read
_CLOSE = {"Connection": "close"}  # what is left of the body is not read


class BodyLimits:
    """Refuses a body that is too large (413), comes too slowly (408) or finds no room beside the others (503).

    The declared length is looked at first; what comes is counted, whatever was declared. An archive for a job goes to
    the disk as it comes and takes no room; it may take as long as its length allows, at ``archive_rate`` at least.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._room = _Room(limits.bodies_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limits, declared = self._limits, _declared(scope)
        if is_archive(scope):
            most, rate = limits.archive_bytes, limits.archive_rate
            room = _Room(most)
        else:
            most, rate, room = _most(scope, limits), 0, self._room
        if declared > most:
            await error_answer(scope, 413, "too_large", _too_large(most))(scope, receive, send)
            return
        if declared > room.left:
            await error_answer(scope, 503, "overloaded", _NO_ROOM, retry=RETRY_AFTER)(scope, receive, send)
            return
        counted = _Counted(receive, most, _Pace(limits.body_seconds, rate), room)
        try:
            await self._app(scope, counted, send)
        finally:
            room.left += counted.got


class _Room:
    """How many bytes of bodies may still be held."""

    def __init__(self, left: int) -> None:
        self.left = left


class _Pace:
    """How long a body may take: so many seconds, and a second more for so many bytes that have come.

    Args:
        seconds: For any body.
        rate: Bytes; 0: no second more.
    """

    def __init__(self, seconds: float, rate: int) -> None:
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._rate = rate

    def left(self, got: int) -> float:
        """Return the seconds that the next bytes may take when so many have come; who hurried does not rest long."""
        earned = got / self._rate if self._rate else 0.0
        return min(self._until + earned - time.monotonic(), self._seconds)


class _Counted:
    """A receive that counts bytes and looks at the clock."""

    def __init__(self, receive: Receive, most: int, pace: _Pace, room: _Room) -> None:
        self._receive = receive
        self._most = most
        self._pace = pace
        self._room = room
        self.got = 0
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:  # what is waited for now is that the caller leaves
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.001, self._pace.left(self.got)))
        except TimeoutError:
            raise HTTPException(408, "the body of the request came too slowly; send it again", _CLOSE) from None
        size = len(message.get("body", b""))
        self.got += size
        self._room.left -= size
        if self.got > self._most:
            raise HTTPException(413, _too_large(self._most), _CLOSE)
        if self._room.left < 0:
            raise HTTPException(503, _NO_ROOM, {"Retry-After": str(RETRY_AFTER), **_CLOSE})
        self._complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message


def _most(scope: Scope, limits: Limits) -> int:
    """Return how many bytes a body may have: one that holds no photos is small."""
    return limits.body_bytes if may_hold_photos(scope) else min(limits.body_bytes, _JSON_BYTES)


def _declared(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def _too_large(most: int) -> str:
    return f"a request may have {most:,} bytes. Send fewer or smaller photos"
