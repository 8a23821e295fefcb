"""How large a request may be, and how slow."""

from __future__ import annotations

import asyncio
import re
import time

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marginface.server.middleware.bodies import OF_ARCHIVES
from marginface.server.refusals import error_answer
from marginface.server.settings import Limits
from marginface.server.threads import RETRY_AFTER

_NO_ROOM = "the service holds as many photos as it may; come again in a moment"
_JSON_BYTES = 2 << 20  # becomes up to 25 times as much memory, and stops the worker while it is read
_PHOTOS_IN_JSON = re.compile(  # read by the route itself, after the Gate
    r"/api/v1/(recognition/recognize|recognition/faces(/[^/]+/verify)?|verification/verify|detection/detect)"
)
_CLOSE = {"Connection": "close"}  # what is left of the body is not read


class BodyLimits:
    """Refuses a body that is too large (413), comes too slowly (408) or finds no room beside the others (503).

    The declared length is looked at first; what comes is counted, whatever was declared. An archive for a job goes to
    the disk as it comes and takes no room.
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
        limits = self._limits
        is_archive = scope["method"] == "PUT" and OF_ARCHIVES.fullmatch(scope["path"]) is not None
        most = limits.archive_bytes if is_archive else _most(scope, limits)
        seconds = limits.body_seconds * (max(1.0, most / limits.body_bytes) if is_archive else 1.0)
        room = _Room(most) if is_archive else self._room
        request_id = scope.get("state", {}).get("request_id", "")
        declared = _declared(scope)
        if declared > most:
            await error_answer(413, "too_large", _too_large(most), request_id)(scope, receive, send)
            return
        if declared > room.left:
            await error_answer(503, "overloaded", _NO_ROOM, request_id, retry=RETRY_AFTER)(scope, receive, send)
            return
        counted = _Counted(receive, most, time.monotonic() + seconds, room)
        try:
            await self._app(scope, counted, send)
        finally:
            room.left += counted.got


class _Room:
    """How many bytes of bodies may still be held."""

    def __init__(self, left: int) -> None:
        self.left = left


class _Counted:
    """A receive that counts bytes and looks at the clock."""

    def __init__(self, receive: Receive, most: int, until: float, room: _Room) -> None:
        self._receive = receive
        self._most = most
        self._until = until
        self._room = room
        self.got = 0
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:  # what is waited for now is that the caller leaves
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.001, self._until - time.monotonic()))
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
    kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    is_form = kind.startswith("multipart/") or kind == "application/x-www-form-urlencoded"
    if is_form or _PHOTOS_IN_JSON.fullmatch(scope["path"]):
        return limits.body_bytes
    return min(limits.body_bytes, _JSON_BYTES)


def _declared(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def _too_large(most: int) -> str:
    return f"a request may have {most:,} bytes. Send fewer or smaller photos"
