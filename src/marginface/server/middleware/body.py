"""How large a request may be, and how slow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marginface.server.envelope import error_answer
from marginface.server.settings import Limits

_ROUTES_OF_ARCHIVES = frozenset({("POST", "/v1/jobs")})


class BodyLimits:
    """Refuses a body that is too large (413) or comes too slowly (408), before anybody keeps it.

    The declared length is looked at first; what comes is counted, whatever was declared.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most, seconds = self._allowed(scope)
        request_id = scope.get("state", {}).get("request_id", "")
        if _declared(scope) > most:
            await error_answer(413, "too_large", _too_large(most), request_id)(scope, receive, send)
            return
        await self._app(scope, _Counted(receive, most, time.monotonic() + seconds), send)

    def _allowed(self, scope: Mapping[str, object]) -> tuple[int, float]:
        limits = self._limits
        if (scope["method"], scope["path"]) in _ROUTES_OF_ARCHIVES:
            return limits.archive_bytes, limits.body_seconds * max(1.0, limits.archive_bytes / limits.body_bytes)
        return limits.body_bytes, limits.body_seconds


class _Counted:
    """A receive that counts bytes and looks at the clock."""

    def __init__(self, receive: Receive, most: int, until: float) -> None:
        self._receive = receive
        self._most = most
        self._until = until
        self._got = 0
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:  # what is waited for now is that the caller leaves
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.001, self._until - time.monotonic()))
        except TimeoutError:
            raise HTTPException(408, "the body of the request came too slowly; send it again") from None
        self._got += len(message.get("body", b""))
        if self._got > self._most:
            raise HTTPException(413, _too_large(self._most))
        self._complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message


def _declared(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def _too_large(most: int) -> str:
    return f"a request may have {most:,} bytes. Send fewer or smaller photos"
