"""An id for each request, and one line of log: no query, no name, no body."""

from __future__ import annotations

import logging
import re
import secrets
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOG = logging.getLogger("marginface.access")
_SENT_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestLog:
    """Gives each request an id (the caller's X-Request-ID, if it is one) and logs what came of it.

    The path is that of the route, as ``/v1/collections/{collection}``: names and ids of people are not logged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get("x-request-id", "")
        request_id = sent if _SENT_ID.fullmatch(sent) else secrets.token_hex(8)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        began, status = time.perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            spent = 1000 * (time.perf_counter() - began)
            who = state.get("caller", "-")
            LOG.info("%s %s %s %d %.0f ms key=%s", request_id, scope["method"], route, status, spent, who)
