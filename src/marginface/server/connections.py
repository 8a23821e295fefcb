"""A connection that is given up if no request comes by it."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from marginface.server.settings import handed_over


class ImpatientConnection(H11Protocol):
    """uvicorn's connection, closed if the headers of its first request are not complete in time.

    uvicorn closes a connection that is idle after an answer; one that never asks it keeps for ever.
    """

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the clock."""
        super().connection_made(transport)
        self._patience = self.loop.call_later(handed_over().limits.header_seconds, self._give_up)

    def handle_events(self) -> None:
        """Stop the clock once a request is there."""
        super().handle_events()
        if self._has_asked and self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        if self._patience is not None:
            self._patience.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        if not self._has_asked:
            self.transport.close()

    @property
    def _has_asked(self) -> bool:
        return self.cycle is not None
