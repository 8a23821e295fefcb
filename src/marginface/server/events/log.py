"""EventLog: entries that are only ever added, in a chain of hashes."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from marginface.clock import later_text, now_text
from marginface.errors import UnknownName
from marginface.gallery import AuditReport
from marginface.gallery.database import audit as chain
from marginface.gallery.database.tables import in_parts
from marginface.server.events.tables import EVENTS, MARKS
from marginface.server.state import State
from marginface.server.state.columns import is_uid, new_uid

IDENTIFICATION = "identification"
CONFIRMATION = "confirmation"
REQUEST = "request"  # of a verb that needs a second key
USE = "use"  # of a request that was confirmed
ERASURE = "erasure"
LET_GO = "let-go"
Action = Literal["identification", "confirmation", "request", "use", "erasure", "let-go"]
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of the record.

    Attributes:
        uid: Its opaque id.
        actor: The id of the key.
        action: identification, confirmation, request, use, erasure or let-go.
        about: The event that it confirms or uses; empty for none.
        collection: Opaque id of the collection; empty for none.
        details: What it says of nobody in particular.
        private: What it says of a person; empty where there is nothing, or where it was erased.
        is_erased: There was such a part, and it was erased.
    """

    seq: int
    uid: str
    time: str
    actor: str
    action: str
    about: str
    collection: str
    details: Mapping[str, Any]
    private: Mapping[str, Any] = field(default_factory=dict)
    is_erased: bool = False
    hash: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "id": self.uid,
            "seq": self.seq,
            "time": self.time,
            "key": self.actor,
            "action": self.action,
            "about": self.about or None,
            "collection": self.collection or None,
            "details": dict(self.details),
            "private": dict(self.private) or None,
            "erased": self.is_erased,
            "hash": self.hash,
        }


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An entry to add; ``person`` is the opaque id by which it is found when that person is erased."""

    actor: str
    action: str
    details: Mapping[str, Any]
    collection: str = ""
    about: str = ""
    private: Mapping[str, Any] = field(default_factory=dict)
    person: str = ""


class EventLog:
    """The record in the state of a service; all workers add to one chain."""

    def __init__(self, state: State) -> None:
        state.add_tables(EVENTS, MARKS)
        self.state = state

    def add(self, connection: Connection, new: Sequence[NewEvent]) -> tuple[str, ...]:
        """Add entries in a transaction that writes; return their opaque ids."""
        last, rows = chain.last_entry(connection, EVENTS), []
        for one in new:
            uid, private = new_uid("e"), _private_text(one.private)
            subject = {"event": uid, "about": one.about, "collection": one.collection, **one.details}
            if private is not None:
                subject["private"] = _digest(private)
            last = chain.next_entry(last, now_text(), one.actor, one.action, subject)
            beside = {"about": one.about, "collection": one.collection, "person": one.person, "private": private}
            rows.append({**asdict(last), "uid": uid, **beside})
        if rows:
            connection.execute(insert(EVENTS), rows)
        return tuple(row["uid"] for row in rows)

    def event(self, uid: str) -> Event:
        """Return an entry; raise UnknownName if there is none."""
        with self.state.reading() as connection:
            return find(connection, uid)

    def newest(
        self, collections: Sequence[str] | None, limit: int, before: int | None = None, action: Action | None = None
    ) -> list[Event]:
        """Return the last entries, the newest first.

        Args:
            collections: Only those about these collections (opaque ids); None: all.
            limit: How many at most.
            before: Only those with a lower number.
            action: Only of this kind; None: of all.
        """
        statement = select(EVENTS).order_by(EVENTS.c.seq.desc()).limit(limit)
        if collections is not None:
            statement = statement.where(EVENTS.c.collection.in_(collections))
        if before is not None:
            statement = statement.where(EVENTS.c.seq < before)
        if action is not None:
            statement = statement.where(EVENTS.c.action == action)
        with self.state.reading() as connection:
            return [event_in(row) for row in connection.execute(statement)]

    def about(self, connection: Connection, uid: str) -> list[Event]:
        """Return the entries about another one: its confirmations and uses, in order."""
        rows = connection.execute(select(EVENTS).where(EVENTS.c.about == uid).order_by(EVENTS.c.seq))
        return [event_in(row) for row in rows]

    def verify(self, known: str = "") -> AuditReport:
        """Say whether the chain holds, and whether what is told of people is what was written.

        Args:
            known: The hash of an entry that was kept elsewhere.
        """
        with self.state.reading() as connection:
            report = chain.verify(connection, known, table=EVENTS, after=_start(connection))
            statement = select(EVENTS).where(EVENTS.c.private.is_not(None)).execution_options(yield_per=_AT_ONCE)
            rows = connection.execute(statement)
            wrong = [row.seq for row in rows if json.loads(row.subject).get("private") != _digest(row.private)]
        changed = tuple(f"{EVENTS.name}: what entry {seq} says of a person was changed" for seq in wrong)
        return replace(report, findings=(*report.findings, *changed))

    def erase(self, people: Sequence[str], actor: str) -> int:
        """Erase what entries say of people (opaque ids); return of how many entries. The entries stay."""
        with self.state.writing() as connection:
            seqs = _about_people(connection, people)
            for part in in_parts(seqs):
                connection.execute(update(EVENTS).where(EVENTS.c.seq.in_(part)).values(private=None, person=""))
            if seqs:
                self.add(connection, [NewEvent(actor, ERASURE, {"entries": len(seqs)})])
        return len(seqs)

    def erase_collection(self, collection: str, actor: str) -> int:
        """Erase what entries say of the people of a collection (its opaque id); return of how many entries."""
        with self.state.writing() as connection:
            asked_elsewhere = (EVENTS.c.action == REQUEST) & EVENTS.c.private.contains(collection, autoescape=True)
            mine = (or_(EVENTS.c.collection == collection, asked_elsewhere), EVENTS.c.private.is_not(None))
            count = connection.execute(update(EVENTS).where(*mine).values(private=None, person="")).rowcount
            if count:
                self.add(connection, [NewEvent(actor, ERASURE, {"entries": count}, collection)])
        return int(count)

    def give(self, person: str, other: str) -> None:
        """Note that two people were one: when the other is erased, what is said of the first goes too."""
        with self.state.writing() as connection:
            connection.execute(update(EVENTS).where(EVENTS.c.person == person).values(person=other))

    def let_go(self, days: float, actor: str) -> int:
        """Delete the entries that are older than so many days; the chain begins after them. Return how many."""
        before = later_text(-days)
        with self.state.reading() as connection:
            if not _begins_before(connection, before):
                return 0
        with self.state.writing() as connection:
            last = _last_before(connection, before)
            if last is None:
                return 0
            self.add(connection, [NewEvent(actor, LET_GO, {"through": last.seq, "hash": last.hash})])
            return int(connection.execute(delete(EVENTS).where(EVENTS.c.seq <= last.seq)).rowcount)


def find(connection: Connection, uid: str) -> Event:
    """Return an entry; raise UnknownName if there is none."""
    row = connection.execute(select(EVENTS).where(EVENTS.c.uid == uid)).one_or_none() if is_uid("e", uid) else None
    if row is None:
        raise no_event(uid)
    return event_in(row)


def no_event(uid: str) -> UnknownName:
    """Return the error for an event that is not there, or not for who asks: the same words for both."""
    return UnknownName(f"there is no event {uid[:40]!r}: it is older than events are kept, or never was")


def event_in(row: Row[Any]) -> Event:
    """Return the entry in a row."""
    subject = json.loads(row.subject)
    private = {} if row.private is None else json.loads(row.private)
    private.pop("salt", None)
    details = {
        name: value for name, value in subject.items() if name not in ("event", "about", "collection", "private")
    }
    erased = row.private is None and "private" in subject
    place = (row.seq, row.uid, row.time, row.actor, row.action, row.about, row.collection)
    return Event(*place, details, private, erased, row.hash)


def _about_people(connection: Connection, people: Sequence[str]) -> list[int]:
    """Return the numbers of the entries that tell of people; a request may name several."""
    found: list[int] = []
    for part in in_parts(people):
        mine = select(EVENTS.c.seq).where(EVENTS.c.person.in_(part), EVENTS.c.private.is_not(None))
        found.extend(connection.execute(mine).scalars())
    asked = select(EVENTS).where(EVENTS.c.action == REQUEST, EVENTS.c.private.is_not(None))
    named = [row.seq for row in connection.execute(asked) if any(uid in row.private for uid in people)]
    return sorted({*found, *named})


def _private_text(values: Mapping[str, Any]) -> str | None:
    if not values:
        return None
    return json.dumps({"salt": secrets.token_hex(16), **values}, sort_keys=True, separators=(",", ":"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _start(connection: Connection) -> tuple[int, str]:
    """Return number and hash of the entry that the first one follows."""
    rows = select(EVENTS.c.subject).where(EVENTS.c.action == LET_GO).order_by(EVENTS.c.seq.desc()).limit(1)
    subject = connection.execute(rows).scalar_one_or_none()
    if subject is None:
        return chain.BEFORE_FIRST
    told = json.loads(subject)
    return int(told["through"]), str(told["hash"])


def _begins_before(connection: Connection, time: str) -> bool:
    first = connection.execute(select(EVENTS.c.time).order_by(EVENTS.c.seq).limit(1)).scalar_one_or_none()
    return first is not None and first < time


def _last_before(connection: Connection, time: str) -> Row[Any] | None:
    rows = select(EVENTS).where(EVENTS.c.time < time).order_by(EVENTS.c.seq.desc()).limit(1)
    return connection.execute(rows).one_or_none()
