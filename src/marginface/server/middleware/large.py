"""How many large answers are given at once."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from marginface.server.middleware.bodies import is_answered_at_length
from marginface.server.refusals import error_answer
from marginface.server.threads import RETRY_AFTER

MOST = 8  # of a worker; a report or table is 64 MB at most, and an archive lies on the disk


class LargeAnswers:
    """Lets a worker give so many archives, reports and tables at once; the next one comes again (503).

    What is not read yet is kept, in memory or on the disk. A caller who reads a few bytes a minute would pile them up.
    """

    def __init__(self, app: ASGIApp, most: int = MOST) -> None:
        self._app = app
        self._most = most
        self._given = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or not is_answered_at_length(scope):
            await self._app(scope, receive, send)
            return
        if self._given >= self._most:
            said = f"{self._given} archives, reports and tables are being read by who asked for them; come again later"
            await error_answer(scope, 503, "overloaded", said, retry=RETRY_AFTER)(scope, receive, send)
            return
        self._given += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._given -= 1
