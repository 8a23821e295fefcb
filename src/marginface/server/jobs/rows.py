"""Rows of the state ⇄ what is told of a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from marginface.clock import later_text, now_text
from marginface.errors import GalleryError, UnknownName
from marginface.gallery import GalleryKey
from marginface.server.jobs.kinds import KINDS
from marginface.server.jobs.records import Job, JobState, Times, Tries
from marginface.server.jobs.sealing import JobSeal, seal_of
from marginface.server.jobs.tables import JOBS, PARTS
from marginface.server.state.columns import is_uid

OVER = tuple(state.value for state in JobState if state.is_over)


def row_of(connection: Connection, uid: str) -> Row[Any]:
    """Return the row of a job; raise UnknownName if there is none."""
    row = connection.execute(select(JOBS).where(JOBS.c.uid == uid)).one_or_none() if is_uid("j", uid) else None
    if row is None:
        raise no_job(uid)
    return row


def no_job(uid: str) -> UnknownName:
    """Return the error for a job that is not there, or not for who asks: the same words for both."""
    return UnknownName(f"there is no job {uid[:40]!r}: it was deleted or has expired, or never was. List them")


def seal_in(row: Row[Any], key: GalleryKey) -> JobSeal:
    """Return the seal of the job in a row."""
    return seal_of(key, row.uid, row.sealed_by, bytes(row.wrapped_key))


def job_in(row: Row[Any], key: GalleryKey) -> Job:
    """Return the job in a row; of one that another key sealed or that is damaged, what is in clear."""
    told, settings = _opened(row, key)
    return Job(
        row.number,
        row.uid,
        row.kind,
        JobState(row.state),
        row.collection,
        row.asked_by,
        Times(row.created, row.started, row.finished, row.expires),
        row.done,
        row.total,
        Tries(row.attempts, row.crashes),
        bool(row.cancel),
        told.get("message", ""),
        told.get("summary", {}),
        settings,
    )


def parts_in(connection: Connection, number: int, seal: JobSeal, after: int = 0) -> Iterator[tuple[int, list[Any]]]:
    """Give the parts of a result that hold items after one number: how many items come before each, and its items."""
    wanted = (PARTS.c.job == number, PARTS.c.first + PARTS.c.count > after)
    for part in connection.execute(select(PARTS).where(*wanted).order_by(PARTS.c.first)):
        yield part.first, seal.open(_place(part.first), bytes(part.sealed))


def write_part(connection: Connection, number: int, seal: JobSeal, items: Sequence[Any], first: int) -> None:
    """Write a part of a result, or write one anew that begins at the same place and has as many items."""
    sealed = seal.seal(_place(first), list(items))
    there = (PARTS.c.job == number, PARTS.c.first == first)
    if not connection.execute(update(PARTS).where(*there).values(sealed=sealed)).rowcount:
        connection.execute(insert(PARTS).values(job=number, first=first, count=len(items), sealed=sealed))


def end(connection: Connection, row: Row[Any], state: JobState, told: bytes | None) -> None:
    """Write that a job is over; it is deleted with its result when its days have passed."""
    times = {"finished": now_text(), "expires": later_text(KINDS[row.kind].keep_days)}
    values = {"state": state.value, "holder": "", "upload": "", "told": told, **times}
    connection.execute(update(JOBS).where(JOBS.c.number == row.number).values(values))


def remove(connection: Connection, number: int) -> None:
    """Delete a job with its key and its result."""
    connection.execute(delete(PARTS).where(PARTS.c.job == number))
    connection.execute(delete(JOBS).where(JOBS.c.number == number))


def _place(first: int) -> str:
    """Return what a part is sealed for."""
    return f"part {first}"


def _opened(row: Row[Any], key: GalleryKey) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        seal = seal_in(row, key)
        told = {} if row.told is None else seal.open("told", bytes(row.told))
        return told, seal.open("settings", bytes(row.settings))
    except GalleryError as error:
        return {"message": str(error)}, {}
