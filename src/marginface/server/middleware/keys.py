"""Who sends a body is known before a byte of it is read.

The framework reads a body before it asks what a route depends on. Without this anyone could fill the memory with
photos that are refused afterwards.
"""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from marginface.errors import MarginfaceError
from marginface.server.gate import recognized
from marginface.server.middleware.bodies import WITHOUT_BODY
from marginface.server.refusals import COMPREFACE, answer_of
from marginface.server.routes.compreface.refusals import refusal
from marginface.server.service import service_of


class KeyCheck:
    """Refuses a request that has a body and no valid key, as the Gate would, but before the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and scope["method"] not in WITHOUT_BODY:
            request = Request(scope)
            try:
                caller = await to_thread.run_sync(recognized, service_of(request), request)
            except MarginfaceError as error:
                refuse = refusal if scope["path"].startswith(COMPREFACE) else answer_of
                answer = refuse(error, request)
                answer.headers["Connection"] = "close"  # its body is not read
                await answer(scope, receive, send)
                return
            request.state.recognized = caller
        await self._app(scope, receive, send)
