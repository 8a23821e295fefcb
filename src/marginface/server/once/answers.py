"""Answers that are kept for a day, so that a request that is sent again is not carried out again.

In the state of the service lie a keyed hash of the Idempotency-Key, one of the request, and the answer, sealed by a key
that comes from the Idempotency-Key and from the caller's token: the database alone does not open it. An error is not
kept, nothing was done then. What cannot be written now, as others write for long or the disk is full, is owed: the next
write of this worker brings it, and until then such a request is told to come again. Once somebody of a collection is
erased, the answers about it are dropped, and that they were given is kept: such a request is not carried out again.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Delete,
    Integer,
    LargeBinary,
    Table,
    Text,
    Update,
    delete,
    insert,
    not_,
    select,
    update,
)

from marginface.errors import GalleryBusy, MarginfaceError
from marginface.gallery.database.store import WAIT
from marginface.server.state import METADATA, State

LOG = logging.getLogger("marginface.server")
KEPT_SECONDS = 24 * 3600
RUNS_AT_MOST = 600  # seconds after which a request whose worker died may be sent again
_RUNNING = 0  # in the place of a status, before there is an answer
_DROPPED = (
    "this request was carried out before; its answer was dropped, since somebody of the collection was erased. Ask for "
    "the present state, or send another Idempotency-Key"
)

ANSWERS = Table(
    "service_answers",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("collection", Text, nullable=False, index=True),
    Column("made", BigInteger, nullable=False, index=True),
    Column("audited", BigInteger, nullable=False),
    Column("status", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)


class OtherRequest(MarginfaceError):
    """The same Idempotency-Key came with another request before."""


class StillRunning(MarginfaceError):
    """The first request with this Idempotency-Key is not answered yet."""

    retry_after = 2


class AnswerDropped(MarginfaceError):
    """The request was carried out before; its answer is not kept any more."""

    def __init__(self, message: str = _DROPPED) -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it came: its Idempotency-Key, who sent it by which token, and what stands for its content."""

    key: str = field(repr=False)
    caller: str
    token: str = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with an Idempotency-Key, as it is kept.

    Attributes:
        id: A keyed hash of the key and of who sent it.
        request: A keyed hash of method, path and body.
        collection: The opaque id of the collection whose people the answer may name; empty: it names nobody.
        audited: The last entry of the audit before it was carried out.
        made: When it came, in seconds since 1970.
        purpose: What the seal of the answer is derived for.
    """

    id: str
    request: str
    collection: str
    audited: int
    made: int
    purpose: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The first answer, which names people of ``collection`` as they were at ``audited``."""

    status: int
    body: bytes = field(repr=False)
    collection: str = ""
    audited: int = 0


class KeptAnswers:
    """The answers of a service that are kept."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._owed: list[Update | Delete] = []  # how requests have ended, which could not be written yet
        state.add_tables(ANSWERS)

    def asked(self, sent: Sent, collection: str, audited: int) -> Asked:
        """Return a request as it is kept; see Asked."""
        owner = f"{sent.caller}|{sent.key}".encode()
        secret = hashlib.sha256(f"{len(sent.token)}|{sent.token}|{sent.key}".encode()).hexdigest()
        return Asked(
            self._state.fingerprint("idempotency key", owner),
            self._state.fingerprint("idempotency request", sent.content),
            collection,
            audited,
            int(time.time()),
            f"idempotent answer|{secret}",
        )

    def claim(self, asked: Asked) -> KeptAnswer | None:
        """Return the first answer; None if there is none, and then this request is the first.

        Raises:
            OtherRequest, StillRunning, AnswerDropped: It cannot be carried out, and has no answer.
        """
        now = int(time.time())
        with self._writing() as connection:
            connection.execute(delete(ANSWERS).where(_made_longer_ago(now, KEPT_SECONDS)))
            stale = (ANSWERS.c.status == _RUNNING) & _made_longer_ago(now, RUNS_AT_MOST)
            connection.execute(delete(ANSWERS).where(stale))
            row = connection.execute(select(ANSWERS).where(ANSWERS.c.id == asked.id)).one_or_none()
            if row is None:
                connection.execute(insert(ANSWERS).values(_first(asked)))
                return None
        _require_same(row.request, asked)
        if row.status == _RUNNING:
            raise StillRunning("the first request with this Idempotency-Key is being carried out; come again")
        if not row.sealed:
            raise AnswerDropped
        body = self._state.unseal(asked.purpose, asked.id, bytes(row.sealed))
        return KeptAnswer(row.status, body, row.collection, row.audited)

    def keep(self, asked: Asked, answer: KeptAnswer) -> None:
        """Keep the answer of a request that was claimed; one that cannot be written now is owed."""
        sealed = self._state.seal(asked.purpose, asked.id, answer.body)
        self._end(update(ANSWERS).where(*_running(asked)).values(status=answer.status, sealed=sealed))

    def release(self, asked: Asked) -> None:
        """Let a request that failed be sent again; where that cannot be written now, it is owed."""
        self._end(delete(ANSWERS).where(*_running(asked)))

    def settle(self) -> None:
        """Write what is owed, if anything is.

        Raises:
            StorageError, GalleryBusy: It still cannot be written.
        """
        if self._owed:
            with self._writing():
                pass

    def forget(self, collection: str) -> None:
        """Drop the answers that may name people of a collection (its opaque id): somebody of it was erased."""
        with self._writing() as connection:
            named = update(ANSWERS).where(ANSWERS.c.collection == collection, ANSWERS.c.status != _RUNNING)
            connection.execute(named.values(sealed=b""))

    def _end(self, ending: Update | Delete) -> None:
        """Write how a request has ended. Its caller gets the answer, or the error, that there is, written or not."""
        try:
            with self._writing() as connection:
                connection.execute(ending)
        except MarginfaceError as error:
            LOG.warning("how a repeated request ended is written later: %s", type(error).__name__)
            self._owed.append(ending)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Give a connection that alone may write, after what is owed."""
        if not self._lock.acquire(timeout=WAIT):  # who holds it waits for the database
            raise GalleryBusy("others write the state of the service; try again")
        try:
            owed = list(self._owed)
            with self._state.writing() as connection:
                for ending in owed:
                    connection.execute(ending)
                yield connection
            del self._owed[: len(owed)]
        finally:
            self._lock.release()


def _running(asked: Asked) -> tuple[ColumnElement[bool], ...]:
    """Return what is true of the row of a request that was claimed and has not ended."""
    this = ANSWERS.c.made == asked.made  # what is owed does not end a later request with this Idempotency-Key
    return ANSWERS.c.id == asked.id, ANSWERS.c.status == _RUNNING, this


def _made_longer_ago(now: int, seconds: int) -> ColumnElement[bool]:
    """Return the condition that a row is older; one from as far in the future is of a clock that was set back."""
    return not_(ANSWERS.c.made.between(now - seconds, now + seconds))


def _first(asked: Asked) -> dict[str, Any]:
    row = {"id": asked.id, "request": asked.request, "collection": asked.collection, "audited": asked.audited}
    return {**row, "made": asked.made, "status": _RUNNING, "sealed": b""}


def _require_same(request: str, asked: Asked) -> None:
    if request != asked.request:
        raise OtherRequest("this Idempotency-Key came with another request before; send a new one with every request")
