"""Who works at a job: one process at a time, in all workers of a service.

A worker claims a job and says every few seconds that it lives. A job whose holder has been silent for SILENCE is taken
over: the service was killed. What a holder writes counts only while the job is its own, so that one that was taken over
while its machine slept changes nothing any more.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, not_, or_, select, update

from marginface.clock import now_text
from marginface.errors import MarginfaceError
from marginface.gallery import GalleryKey
from marginface.server.jobs.kinds import KINDS
from marginface.server.jobs.records import Job, JobState
from marginface.server.jobs.rows import end, job_in, parts_in, seal_in, write_part
from marginface.server.jobs.sealing import JobSeal
from marginface.server.jobs.tables import JOBS, PARTS
from marginface.server.state import State

BEAT = 2.0  # seconds between two signs of life
SILENCE = 12.0  # seconds without one after which a job is taken over
AHEAD = 600.0  # seconds that the clock of another machine may be ahead; what is later is of a clock that was set back
TRIES = 3  # processes that may end at one place of a job before it has failed
CRASHES = 30  # that may end in all
TAKEOVERS = 10  # from services that died at one place


class Ending(IntEnum):
    """How the process of a job ends, where it has not written how: its exit status."""

    STOPPED = 75
    LOST = 76
    BUSY = 77


class JobLost(MarginfaceError):
    """A job is another's now, was deleted, or is over: what this process does for it counts no more."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What a holder learns when it says that it lives: whether to stop, and how far its process is."""

    is_cancelled: bool
    done: int


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work at a job, until it is given back or taken over.

    Attributes:
        state: The state of the service.
        key: What wraps the keys of jobs.
        uid: The job.
        holder: A secret word that only the holder and its process know.
    """

    state: State = field(repr=False)
    key: GalleryKey = field(repr=False)
    uid: str
    holder: str = field(repr=False)

    def job(self) -> Job:
        """Return the job as it is now; raise JobLost if it is not ours any more."""
        with self.state.reading() as connection:
            return job_in(self._row(connection), self.key)

    def seal(self) -> JobSeal:
        """Return the job's seal."""
        with self.state.reading() as connection:
            return seal_in(self._row(connection), self.key)

    def upload(self) -> str:
        """Return the name of the job's archive; empty if it has none."""
        with self.state.reading() as connection:
            return str(self._row(connection).upload)

    def beat(self) -> Signs:
        """Say that the holder lives."""
        with self.state.writing() as connection:
            row = self._row(connection)
            connection.execute(update(JOBS).where(JOBS.c.number == row.number).values(beat=time.time()))
            return Signs(bool(row.cancel), row.done)

    def progress(self, done: int, total: int, items: Sequence[dict[str, Any]] = ()) -> None:
        """Write how far the work is, with what came of it since; both are there or neither."""
        with self.state.writing() as connection:
            row = self._row(connection)
            values: dict[str, Any] = {"done": done, "total": total}
            if KINDS[row.kind].goes_on and done > row.done:
                values |= {"attempts": 0, "takeovers": 0}
            connection.execute(update(JOBS).where(JOBS.c.number == row.number).values(values))
            self._add_part(connection, row, items)

    def items(self) -> list[dict[str, Any]]:
        """Return what is in the result so far."""
        with self.state.reading() as connection:
            row = self._row(connection)
            parts = parts_in(connection, row.number, seal_in(row, self.key))
            return [item for _, items in parts for item in items]

    def begin_anew(self) -> None:
        """Forget what an earlier process did of work that cannot be gone on with."""
        with self.state.writing() as connection:
            row = self._row(connection)
            connection.execute(delete(PARTS).where(PARTS.c.job == row.number))
            connection.execute(update(JOBS).where(JOBS.c.number == row.number).values(done=0))

    def finish(self, summary: dict[str, Any], items: Sequence[dict[str, Any]] = ()) -> None:
        """Write the result: the job is done."""
        self._end(JobState.DONE, {"summary": summary}, items)

    def fail(self, message: str) -> None:
        """Write why the job cannot be done; what it did is kept."""
        self._end(JobState.FAILED, {"message": message})

    def stopped(self) -> None:
        """Give the job back: cancelled if that was asked for, else for the next worker."""
        with self.state.writing() as connection:
            row = self._row(connection)
            if row.cancel:
                end(connection, row, JobState.CANCELLED, None)
            else:
                _requeue(connection, row, row.attempts, row.crashes)

    def crashed(self, how: str) -> None:
        """Give the job back after its process ended by itself; at one place too often, and it has failed."""
        with self.state.writing() as connection:
            row = self._row(connection)
            attempts, crashes = row.attempts + 1, row.crashes + 1
            if row.cancel:
                end(connection, row, JobState.CANCELLED, None)
            elif attempts >= TRIES or crashes >= CRASHES:
                message = f"its process {how} {crashes} times, the last {attempts} times after {row.done:,} of it."
                end(connection, row, JobState.FAILED, seal_in(row, self.key).seal("told", {"message": message}))
            else:
                _requeue(connection, row, attempts, crashes)

    def _end(self, state: JobState, told: dict[str, Any], items: Sequence[dict[str, Any]] = ()) -> None:
        with self.state.writing() as connection:
            row = self._row(connection)
            self._add_part(connection, row, items)
            end(connection, row, state, seal_in(row, self.key).seal("told", told))

    def _add_part(self, connection: Connection, row: Row[Any], items: Sequence[dict[str, Any]]) -> None:
        if not items:
            return
        last = select(func.coalesce(func.max(PARTS.c.first + PARTS.c.count), 0)).where(PARTS.c.job == row.number)
        first = int(connection.execute(last).scalar_one())
        write_part(connection, row.number, seal_in(row, self.key), items, first)

    def _row(self, connection: Connection) -> Row[Any]:
        ours = (JOBS.c.uid == self.uid, JOBS.c.holder == self.holder, JOBS.c.state == JobState.RUNNING.value)
        row = connection.execute(select(JOBS).where(*ours)).one_or_none()
        if row is None:
            raise JobLost(f"job {self.uid} is not this process's any more")
        return row


def claim_next(state: State, key: GalleryKey, at_once: int) -> Claim | None:
    """Claim the oldest job that waits, or one whose holder is silent; None if there is nothing, or enough runs.

    Args:
        state: The state of the service.
        key: What wraps the keys of jobs.
        at_once: How many jobs may run in all workers.
    """
    with state.reading() as connection:  # mostly there is nothing, and no need to keep others from writing
        if connection.execute(_claimable().limit(1)).first() is None:
            return None
    with state.writing() as connection:
        lively = and_(JOBS.c.state == JobState.RUNNING.value, _has_beaten())
        if connection.execute(select(func.count()).where(lively)).scalar_one() >= at_once:
            return None
        for row in connection.execute(_claimable()).all():
            if row.takeovers < TAKEOVERS:
                return _claimed(connection, state, key, row)
            message = f"the service died {row.takeovers} times while it was at this job: it is not begun again."
            end(connection, row, JobState.FAILED, seal_in(row, key).seal("told", {"message": message}))
    return None


def _claimable() -> Any:
    """Return the statement for jobs that wait or were left behind, and whose archive is on this machine."""
    silent = and_(JOBS.c.state == JobState.RUNNING.value, not_(_has_beaten()))
    free: ColumnElement[bool] = or_(JOBS.c.state == JobState.QUEUED.value, silent)
    here = JOBS.c.host.in_(("", socket.gethostname()))
    return select(JOBS).where(free, here).order_by(JOBS.c.number)


def _has_beaten() -> ColumnElement[bool]:
    """Return the condition that a holder lives; a sign of life from far in the future is of a clock that was set back.

    From a little ahead it is of another machine: of two that took it for silence, each would take the other's jobs.
    """
    now = time.time()
    return JOBS.c.beat.between(now - SILENCE, now + AHEAD)


def _claimed(connection: Connection, state: State, key: GalleryKey, row: Row[Any]) -> Claim:
    holder = secrets.token_hex(16)
    values = {
        "state": JobState.RUNNING.value,
        "holder": holder,
        "beat": time.time(),
        "started": row.started or now_text(),
        "takeovers": row.takeovers + (row.state == JobState.RUNNING.value),
    }
    connection.execute(update(JOBS).where(JOBS.c.number == row.number).values(values))
    return Claim(state, key, row.uid, holder)


def _requeue(connection: Connection, row: Row[Any], attempts: int, crashes: int) -> None:
    values = {"state": JobState.QUEUED.value, "holder": "", "attempts": attempts, "crashes": crashes}
    connection.execute(update(JOBS).where(JOBS.c.number == row.number).values(values))
