"""The last handler: what nobody expected becomes one answer, and a line of log that says where, not what.

A message or a traceback with values may hold a name or a vector, so neither is logged. Inside this nothing is sent on.
"""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marginface.server.logs import places_in
from marginface.server.refusals import error_answer

LOG = logging.getLogger("marginface.server")


class BugAnswer:
    """Answers 500 where the application fails; a connection that has begun to be answered is cut."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def answer(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as error:  # noqa: BLE001  (the door of the service)
            request_id = scope.get("state", {}).get("request_id", "")
            LOG.error("request %s: %s at %s", request_id, type(error).__name__, places_in(error.__traceback__))
            if has_begun:
                return
            said = "a bug of ours; what was acknowledged before is kept. Report the request id"
            await error_answer(scope, 500, "internal", said)(scope, receive, send)
