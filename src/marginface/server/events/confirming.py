"""Two people for what one should not decide alone, as Article 14(5) of the EU AI Act asks for a match.

A match is ``unconfirmed`` until two different keys have agreed, and ``rejected`` once one has not. An erasure or an
export is asked for by one key and agreed to by another, which may do the same; then the first asks again, within a day.
Two keys are two people only if each has one of their own: make them so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from marginface.clock import later_text
from marginface.errors import MarginfaceError
from marginface.server.events.log import (
    CONFIRMATION,
    IDENTIFICATION,
    REQUEST,
    USE,
    Event,
    EventLog,
    NewEvent,
    event_in,
    find,
)
from marginface.server.events.tables import EVENTS
from marginface.server.settings import Verb

EVERYONE = "*"  # as a subject: the whole collection
_MATCH_NEEDS = 2  # keys that agree to a match
_REQUEST_NEEDS = 1  # besides the one that asks
_LISTED = 7.0  # days that what waits is listed
_AT_ONCE = 500
_VALID = 1.0  # days that a request may be agreed to and used


class NeedsSecondKey(MarginfaceError):
    """What was asked for needs the word of another key; ``details`` names the event to confirm."""

    def __init__(self, message: str, event: str) -> None:
        super().__init__(message)
        self.details = {"event": event}


class NotConfirmable(MarginfaceError):
    """This key cannot say anything about this event (any more)."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the keys have said about an event.

    ``state`` is unconfirmed, confirmed, rejected, or used; None for an event that needs no second key.
    """

    state: str | None
    said: tuple[dict[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"state": self.state, "confirmations": list(self.said)}


class SecondKeys:
    """Asks for second keys, and takes their word.

    Args:
        log: Where it is written down.
        verbs: What needs a second key.
    """

    def __init__(self, log: EventLog, verbs: Iterable[str]) -> None:
        self.log = log
        self._verbs = frozenset(verbs)

    def needs(self, verb: Verb) -> bool:
        """Say whether a verb needs the word of a second key."""
        return verb in self._verbs

    def begins_as(self, *, is_match: bool) -> str | None:
        """Return in which state the answer of an identification begins; None: it needs no second key."""
        return "unconfirmed" if is_match and self.needs("identify") else None

    def confirmation(self, event: Event) -> Confirmation:
        """Return what the keys have said about an event."""
        with self.log.state.reading() as connection:
            return self._confirmation(connection, event)

    def waiting(self, collections: Sequence[str] | None, limit: int) -> list[Event]:
        """Return what waits for the word of a key, the newest first, of those that were written within a week.

        Args:
            collections: Only what is about these (opaque ids); None: all.
            limit: How many at most.
        """
        is_match = and_(EVENTS.c.action == IDENTIFICATION, EVENTS.c.subject.contains('"decision":"match"'))
        kinds = or_(EVENTS.c.action == REQUEST, is_match) if self.needs("identify") else EVENTS.c.action == REQUEST
        recent = (kinds, EVENTS.c.time > later_text(-_LISTED))
        statement = select(EVENTS).where(*recent).order_by(EVENTS.c.seq.desc())
        if collections is not None:
            statement = statement.where(EVENTS.c.collection.in_(collections))
        with self.log.state.reading() as connection:
            events = map(event_in, connection.execute(statement.execution_options(yield_per=_AT_ONCE)))
            open_ones = (one for one in events if self._confirmation(connection, one).state == "unconfirmed")
            return list(islice(open_ones, limit))

    def confirm(self, uid: str, key: str, *, agrees: bool) -> Event:
        """Write the word of a key about an event, and return the event.

        Raises:
            UnknownName: There is no such event.
            NotConfirmable: It needs no second key, is decided, or this key has spoken or asked itself.
        """
        with self.log.state.writing() as connection:
            event = find(connection, uid)
            self._require_confirmable(connection, event, key)
            about = {"agree": agrees}
            self.log.add(connection, [NewEvent(key, CONFIRMATION, about, event.collection, event.uid)])
        return event

    def require(self, key: str, verb: Verb, collection: str, subject: str) -> None:
        """Let a verb pass that needs no second key, or that one has agreed to; each agreement is good for once.

        Args:
            key: The id of the key that asks.
            verb: What it asks for.
            collection: Opaque id of the collection.
            subject: Of whom: what is asked for again has to be the same.

        Raises:
            NeedsSecondKey: No other key has agreed yet.
        """
        if not self.needs(verb):
            return
        with self.log.state.writing() as connection:
            request = self._open_request(connection, key, verb, collection, subject)
            if request is not None and self._confirmation(connection, request).state == "confirmed":
                self.log.add(connection, [NewEvent(key, USE, {"verb": verb}, collection, request.uid)])
                return
            uid = self._asked(connection, key, verb, collection, subject) if request is None else request.uid
        raise NeedsSecondKey(
            f"to {verb} needs the word of a second key: let another one POST /v1/events/{uid}/confirm, then ask again "
            "within a day",
            uid,
        )

    def _asked(self, connection: Connection, key: str, verb: str, collection: str, subject: str) -> str:
        private = {"subject": subject}
        return self.log.add(connection, [NewEvent(key, REQUEST, {"verb": verb}, collection, "", private)])[0]

    def _open_request(self, connection: Connection, key: str, verb: str, collection: str, subject: str) -> Event | None:
        """Return the last request of this key for this that is neither used nor refused nor too old."""
        mine = (
            EVENTS.c.action == REQUEST,
            EVENTS.c.actor == key,
            EVENTS.c.collection == collection,
            EVENTS.c.private.contains(subject, autoescape=True),  # few are left to be read
        )
        recent = select(EVENTS).where(*mine, EVENTS.c.time > later_text(-_VALID)).order_by(EVENTS.c.seq.desc())
        for event in map(event_in, connection.execute(recent).all()):
            if event.details["verb"] == verb and event.private.get("subject") == subject:
                state = self._confirmation(connection, event).state
                return event if state in ("unconfirmed", "confirmed") else None
        return None

    def _confirmation(self, connection: Connection, event: Event) -> Confirmation:
        if not self._needs_second(event):
            return Confirmation(None)
        after = self.log.about(connection, event.uid)
        words = [one for one in after if one.action == CONFIRMATION]
        said = tuple({"key": one.actor, "agree": one.details["agree"], "time": one.time} for one in words)
        return Confirmation(_state(event, words, is_used=any(one.action == USE for one in after)), said)

    def _needs_second(self, event: Event) -> bool:
        if event.action == REQUEST:
            return True
        return event.action == IDENTIFICATION and event.details["decision"] == "match" and self.needs("identify")

    def _require_confirmable(self, connection: Connection, event: Event, key: str) -> None:
        known = self._confirmation(connection, event)
        if known.state is None:
            raise NotConfirmable(f"event {event.uid} needs no second key")
        if any(one["key"] == key for one in known.said):
            raise NotConfirmable(f"this key has spoken about event {event.uid}: it takes different keys")
        if event.action == REQUEST and event.actor == key:
            raise NotConfirmable(f"this key has asked for event {event.uid} itself: it takes another one")
        if known.state != "unconfirmed":
            raise NotConfirmable(f"event {event.uid} is decided: it is {known.state}")


def _state(event: Event, words: Sequence[Event], *, is_used: bool) -> str:
    if is_used:
        return "used"
    if not all(one.details["agree"] for one in words):
        return "rejected"
    needed = _REQUEST_NEEDS if event.action == REQUEST else _MATCH_NEEDS
    return "confirmed" if len({one.actor for one in words}) >= needed else "unconfirmed"
