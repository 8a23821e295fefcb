"""JobStore: the jobs of a service, as who asks for them sees them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Iterator
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from marginface.clock import later_text, now_text
from marginface.gallery import GalleryKey
from marginface.server.jobs.kinds import KINDS
from marginface.server.jobs.records import Job, JobState, Places, WrongState
from marginface.server.jobs.rows import OVER, end, job_in, parts_in, remove, row_of, seal_in
from marginface.server.jobs.scrubbing import scrub_result
from marginface.server.jobs.sealing import JobSeal, new_seal
from marginface.server.jobs.tables import JOBS, PARTS
from marginface.server.jobs.wishes import Wish
from marginface.server.state import State
from marginface.server.state.columns import new_uid

_PLACES = Places(1000, 1000)
_OPEN = (JobState.WAITING.value, JobState.QUEUED.value)
_AT_ONCE = 200  # rows that are read together
_SENT_WITHIN = 1.0  # days: a job whose archive does not come is deleted after that


class JobStore:
    """Makes, lists, cancels and deletes jobs; every worker and command has one of its own on the same state.

    Args:
        state: The state of the service.
        key: What wraps the keys of jobs (sealing.job_key).
    """

    def __init__(self, state: State, key: GalleryKey) -> None:
        state.add_tables(JOBS, PARTS)
        self._state = state
        self._key = key

    def create(self, wish: Wish, collection: str, asked_by: str, places: Places = _PLACES) -> Job:
        """Make a job; one that needs an archive waits for it.

        Args:
            wish: What is asked for.
            collection: The opaque id of its collection; empty: none.
            asked_by: The id of the key that asks.
            places: How many may wait for their archive or their turn.

        Raises:
            TooManyJobs: As many wait already.
        """
        with self._state.writing() as connection:
            waiting = select(func.count()).where(JOBS.c.state.in_(_OPEN))
            own = waiting.where(JOBS.c.asked_by == asked_by)
            all_there, own_there = (int(connection.execute(one).scalar_one()) for one in (waiting, own))
            places.require(all_there, own_there, "jobs")
            return job_in(self.add(connection, wish, collection, asked_by), self._key)

    def add(self, connection: Connection, wish: Wish, collection: str, asked_by: str) -> Any:
        """Make a job in a transaction that writes; return its row."""
        waits = KINDS[wish.kind].needs_archive
        uid = new_uid("j")
        seal, wrapped = new_seal(self._key, uid)
        row = {
            "uid": uid,
            "kind": wish.kind,
            "state": (JobState.WAITING if waits else JobState.QUEUED).value,
            "collection": collection,
            "asked_by": asked_by,
            "created": now_text(),
            "expires": later_text(_SENT_WITHIN) if waits else "",
            "sealed_by": self._key.id,
            "wrapped_key": wrapped,
            "settings": seal.seal("settings", wish.model_dump(mode="json")),
        }
        connection.execute(insert(JOBS).values(row))
        return row_of(connection, uid)

    def job(self, uid: str) -> Job:
        """Return a job; raise UnknownName if there is none."""
        with self._state.reading() as connection:
            return job_in(row_of(connection, uid), self._key)

    def newest(self, sees: Callable[[Job], bool], limit: int, before: int | None = None) -> list[Job]:
        """Return the newest jobs that somebody may see; ``before``: only those with a lower number."""
        found: list[Job] = []
        with self._state.reading() as connection:
            for job in self._downward(connection, before):
                if len(found) == limit:
                    break
                if sees(job):
                    found.append(job)
        return found

    def seal(self, uid: str) -> JobSeal:
        """Return the seal of a job that waits for its archive; raise WrongState if it does not."""
        with self._state.reading() as connection:
            row = row_of(connection, uid)
            if row.state != JobState.WAITING.value:
                raise WrongState(f"job {uid} waits for no archive: it is {row.state}. Make another one")
            return seal_in(row, self._key)

    def uploaded(self, uid: str, upload: str) -> Job:
        """Queue a job whose archive is there now.

        Raises:
            WrongState: It waits for none: another one came first, or it was cancelled.
        """
        with self._state.writing() as connection:
            values = {"state": JobState.QUEUED.value, "upload": upload, "host": socket.gethostname(), "expires": ""}
            waiting = (JOBS.c.uid == uid, JOBS.c.state == JobState.WAITING.value)
            if not connection.execute(update(JOBS).where(*waiting).values(values)).rowcount:
                raise WrongState(f"job {uid} waits for no archive any more: another came first, or it was cancelled")
            return job_in(row_of(connection, uid), self._key)

    def cancel(self, uid: str) -> Job:
        """Cancel a job: one that runs is told to stop, and keeps what it did; one that is over stays as it is."""
        with self._state.writing() as connection:
            row = row_of(connection, uid)
            if row.state == JobState.RUNNING.value:
                connection.execute(update(JOBS).where(JOBS.c.uid == uid).values(cancel=True))
            elif row.state not in OVER:
                end(connection, row, JobState.CANCELLED, None)
            return job_in(row_of(connection, uid), self._key)

    def delete(self, uid: str) -> None:
        """Delete a job that is over, with its result.

        Raises:
            WrongState: It is not over.
        """
        with self._state.writing() as connection:
            row = row_of(connection, uid)
            if row.state not in OVER:
                raise WrongState(f"job {uid} is {row.state}: cancel it first")
            remove(connection, row.number)

    def counts(self) -> dict[tuple[str, str], int]:
        """Return how many jobs there are of each kind in each state."""
        statement = select(JOBS.c.kind, JOBS.c.state, func.count()).group_by(JOBS.c.kind, JOBS.c.state)
        with self._state.reading() as connection:
            return {(str(kind), str(state)): int(count) for kind, state, count in connection.execute(statement)}

    def uploads(self) -> set[str]:
        """Return the archives that jobs still need, and the ids of the jobs to which one is being sent."""
        with self._state.reading() as connection:
            rows = connection.execute(select(JOBS.c.uid, JOBS.c.upload, JOBS.c.state)).all()
        waiting = {str(row.uid) for row in rows if row.state == JobState.WAITING.value}
        return waiting | {str(row.upload) for row in rows if row.upload}

    def result(self, uid: str, after: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Return items of a result after one number: photos of an import, groups, gaps, receipts; the first has 1."""
        with self._state.reading() as connection:
            row = row_of(connection, uid)
            seal = seal_in(row, self._key)
            items: list[dict[str, Any]] = []
            for first, part in parts_in(connection, row.number, seal, after):
                items += part[max(0, after - first) :]
                if len(items) >= limit:
                    break
        return list(enumerate(items[:limit], start=after + 1))

    def scrub(self, collection: str, known: Collection[str]) -> int:
        """Take the people who are gone out of the results of a collection's imports; return how many items changed.

        Args:
            collection: Its opaque id.
            known: The names of the people who are there.
        """
        changed = 0
        with self._state.writing() as connection:
            rows = connection.execute(select(JOBS).where(JOBS.c.kind == "enrol", JOBS.c.collection == collection)).all()
            for row in rows:
                if row.sealed_by == self._key.id:
                    changed += scrub_result(connection, row, seal_in(row, self._key), known)
        return changed

    def _downward(self, connection: Connection, before: int | None) -> Iterator[Job]:
        statement = select(JOBS).order_by(JOBS.c.number.desc()).limit(_AT_ONCE)
        while True:
            rows = connection.execute(statement if before is None else statement.where(JOBS.c.number < before)).all()
            for row in rows:
                yield job_in(row, self._key)
            if len(rows) < _AT_ONCE:
                return
            before = rows[-1].number
