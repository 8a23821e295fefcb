"""Who is erased from the gallery is erased from what the service keeps beside it, however they were erased.

The audit of the gallery is followed: erasures by a route, by a job and by the command line are all in it. Of the record
of events what tells of the person goes; the entry of the use stays, with its time, threshold and keys: the law asks for
the use to be on record, and for that nobody's id is needed once the person may be erased. Results of imports lose the
person's name, and answers that are kept for repeated requests are dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from sqlalchemy import insert, select, update

from marginface.errors import UnknownName
from marginface.gallery import AuditEntry, Gallery
from marginface.server.events.log import EventLog
from marginface.server.events.tables import MARKS
from marginface.server.jobs.store import JobStore
from marginface.server.state import State

_MARK = "gallery audit"
_AT_ONCE = 500
_GONE = ("erase", "purge", "delete-person")


class Forgetting:
    """Follows the audit of the gallery.

    Args:
        log: The record of events.
        jobs: Whose results may name people.
        forget_answers: Drops the kept answers about a collection (its opaque id).
    """

    def __init__(self, log: EventLog, jobs: JobStore, forget_answers: Callable[[str], None]) -> None:
        self._log = log
        self._jobs = jobs
        self._forget_answers = forget_answers

    def follow(self, gallery: Gallery) -> int:
        """Forget who went since the last time; return how many entries of the audit were read."""
        state = self._log.state
        mark, entries = _mark(state), []
        if mark == _last(gallery):
            return 0
        for entry in _backward(gallery):
            if mark is None or entry.seq <= mark:
                break
            entries.append(entry)
        for entry in reversed(entries):
            self._forget(gallery, entry)
        last = entries[0].seq if entries else _last(gallery)
        if last != mark:
            _set_mark(state, last, is_first=mark is None)
        if any(entry.action in (*_GONE, "erase-collection") for entry in entries):
            state.empty_log()
        return len(entries)

    def _forget(self, gallery: Gallery, entry: AuditEntry) -> None:
        """Forget who went by one entry; doing it twice changes nothing."""
        subject = json.loads(entry.subject)
        if entry.action == "merge-people":
            self._log.give(subject["person"], subject["into"])
        elif entry.action == "erase-collection":
            self._log.erase_collection(subject["collection"], entry.actor)
            self._scrub(gallery, subject["collection"])
        elif entry.action in _GONE:
            people = subject["people"] if "people" in subject else [subject["person"]]
            if people:
                self._log.erase(people, entry.actor)
                self._scrub(gallery, subject["collection"])
        if entry.action in (*_GONE, "erase-collection"):
            self._forget_answers(subject["collection"])

    def _scrub(self, gallery: Gallery, collection: str) -> None:
        try:
            known = {person.name for person in gallery.collection(collection).people()}
        except UnknownName:  # the collection is gone, with everyone in it
            known = set()
        self._jobs.scrub(collection, known)


def _backward(gallery: Gallery) -> Iterator[AuditEntry]:
    """Give the entries of the audit, the newest first."""
    before = None
    while part := gallery.audit(_AT_ONCE, before=before):
        yield from reversed(part)
        before = part[0].seq


def _last(gallery: Gallery) -> int:
    return max((entry.seq for entry in gallery.audit(1)), default=0)


def _mark(state: State) -> int | None:
    with state.reading() as connection:
        found = connection.execute(select(MARKS.c.number).where(MARKS.c.name == _MARK)).scalar_one_or_none()
    return None if found is None else int(found)


def _set_mark(state: State, number: int, *, is_first: bool) -> None:
    with state.writing() as connection:
        known = connection.execute(select(MARKS.c.number).where(MARKS.c.name == _MARK)).scalar_one_or_none()
        if known is None:
            connection.execute(insert(MARKS).values(name=_MARK, number=number))
        elif number > known or is_first:
            connection.execute(update(MARKS).where(MARKS.c.name == _MARK).values(number=number))
