"""What comes due without anybody asking: purges, results that expire, archives that nobody needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from sqlalchemy import Select, and_, select

from marginface.clock import later_text, now_text
from marginface.server.jobs.rows import remove
from marginface.server.jobs.spool import Spool
from marginface.server.jobs.store import JobStore
from marginface.server.jobs.tables import JOBS
from marginface.server.jobs.wishes import PurgeWish
from marginface.server.state import State

_EVERY = 30.0  # seconds
_SETTLED = 60.0  # seconds after its start in which a worker asks for no purge
BY_ITSELF = "the service"  # who asks for what comes due


class Upkeep:
    """Looks now and then what is due; safe in any number of workers.

    Args:
        state: The state of the service.
        store: Its jobs.
        spool: Its archives.
        purge_every: Hours between two purges; 0: never.
        others: What other parts want to be done as often.
    """

    def __init__(
        self,
        state: State,
        store: JobStore,
        spool: Spool,
        purge_every: float,
        others: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._state = state
        self._store = store
        self._spool = spool
        self._purge_every = purge_every
        self._others = others
        self._next = 0.0
        self._purging_from = time.monotonic() + _SETTLED

    def tick(self) -> None:
        """Do what is due, if it was not looked for just now."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY
        self.expire()
        self.schedule()
        self.sweep()
        for other in self._others:
            other()

    def expire(self) -> int:
        """Delete the jobs whose days have passed, with results and keys; return how many."""
        due = (JOBS.c.expires != "", JOBS.c.expires < now_text())
        with self._state.reading() as connection:
            if connection.execute(select(JOBS.c.number).where(*due).limit(1)).first() is None:
                return 0
        with self._state.writing() as connection:
            numbers = connection.execute(select(JOBS.c.number).where(*due)).scalars().all()
            for number in numbers:
                remove(connection, number)
        return len(numbers)

    def schedule(self) -> bool:
        """Ask for a purge if the last one was asked for long enough ago; return whether it was."""
        if not self._purge_every or time.monotonic() < self._purging_from or not self._is_due():
            return False
        with self._state.writing() as connection:
            recent = connection.execute(self._recent()).first()
            if recent is None:
                self._store.add(connection, PurgeWish(kind="purge"), "", BY_ITSELF)
        return recent is None

    def sweep(self) -> int:
        """Delete archives that no job needs any more; return how many."""
        return self._spool.sweep(self._store.uploads())

    def _is_due(self) -> bool:
        with self._state.reading() as connection:
            return connection.execute(self._recent()).first() is None

    def _recent(self) -> Select[tuple[int]]:
        since = later_text(-self._purge_every / 24)
        recent = and_(JOBS.c.created > since, JOBS.c.created <= now_text())  # none of a clock that was set back since
        return select(JOBS.c.number).where(JOBS.c.kind == "purge", recent).limit(1)
