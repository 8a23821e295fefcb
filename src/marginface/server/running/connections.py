"""Connections by which no request comes: given up in time, and sooner where others wait for their place."""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.h11_impl import H11Protocol

from marginface.server.settings import handed_over

_READ = 1 << 14  # bytes of an answer that must be read within body_seconds
_SILENT: WeakKeyDictionary[Any, dict[ImpatientConnection, None]] = WeakKeyDictionary()  # of a server, oldest first


class ImpatientConnection(H11Protocol):
    """uvicorn's connection, closed if the headers of a request, of each one, are not complete in time.

    uvicorn keeps a connection that never asks, and one that begins to ask a second time and does not go on. It counts
    all of them, and answers 503 to who asks while there are too many. Here the one that has been silent for longest
    makes room for the next: thousands that say nothing do not shut out one that asks.
    """

    _patience: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for the first request."""
        super().connection_made(transport)
        self._begin_to_wait()
        self._make_room()

    def handle_events(self) -> None:
        """Wait no longer once a request is there."""
        super().handle_events()
        if self._is_asking:
            self._end_waiting()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if not self._is_asking and self in self.connections:  # closing too: it ends when what was sent is read
            self._begin_to_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clocks."""
        self._end_waiting()
        self._end_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the answer to be read, and not for ever."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Enough was read; what a connection that closes has left is still watched."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._end_watching()

    @property
    def _is_asking(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _begin_to_wait(self) -> None:
        self._end_waiting()
        _SILENT.setdefault(self.server_state, {})[self] = None
        self._patience = self.loop.call_later(handed_over().limits.header_seconds, self._give_up)

    def _end_waiting(self) -> None:
        _SILENT.get(self.server_state, {}).pop(self, None)
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        if not self._is_asking:
            self.transport.close()  # what was sent and not read keeps it open
            self._watch()

    def _watch(self) -> None:
        if self._reading is None:
            self._look_again(None)

    def _look_again(self, before: int | None) -> None:
        """Cut the connection if too little of the answer was read since the last look."""
        self._reading, left = None, self.transport.get_write_buffer_size()
        if before is not None and left > max(0, before - _READ):
            self.transport.abort()
        elif left:
            wait = handed_over().limits.body_seconds
            self._reading = self.loop.call_later(wait, self._look_again, left)

    def _end_watching(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _make_room(self) -> None:
        """Close the connection that has been silent for longest, if there are as many as may be."""
        if self.limit_concurrency is None or len(self.connections) < self.limit_concurrency:
            return
        oldest = next(iter(_SILENT[self.server_state]))
        if oldest is not self:  # all others ask: this one is told to come again
            oldest._end_waiting()
            if oldest.transport.get_write_buffer_size():  # close() would wait until it is read
                oldest.transport.abort()
            else:
                oldest.transport.close()
