"""Who did what to a gallery, and when: a chain in which each entry's hash covers the one before.

    hash = sha256(previous hash | seq | time | actor | action | subject)

Any table that has the columns of ``tables.AUDIT`` can hold such a chain: the service keeps its record of events in one.

A subject is JSON with opaque ids and counts; there is never a vector, a name or a photo in it. An entry that is
changed, removed or put between breaks the chain. One who may write the file can cut entries off the end, or write the
whole chain anew: keep the head (the last hash) elsewhere, as every receipt of an erasure does, and compare.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sqlalchemy import Column, Connection, Table, insert, select

from marginface.documents import parse_json
from marginface.errors import InputError
from marginface.gallery.database.tables import AUDIT

START = "0" * 64
BEFORE_FIRST = (0, START)
_READ_AT_ONCE = 10_000
_MOST = 2**31 - 1  # entries; a database takes no larger limit
_REMOVALS = ("erase", "purge", "erase-collection", "delete-person", "move-person")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry; ``subject`` holds opaque ids and counts."""

    seq: int
    time: str
    actor: str
    action: str
    subject: str
    previous: str
    hash: str

    def computed(self) -> str:
        """Return the hash that this entry must have."""
        text = "|".join((self.previous, str(self.seq), self.time, self.actor, self.action, self.subject))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        about = {"seq": self.seq, "time": self.time, "actor": self.actor, "action": self.action}
        return {**about, "subject": _subject(self.subject), "hash": self.hash}


def _subject(text: str) -> Any:
    """Return the values of an entry, or its text where it is damaged: the chain of hashes says that it is."""
    try:
        return parse_json(text)
    except ValueError:
        return text


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Whether the chain holds: how many entries, the hash of the last one, and what is wrong in words."""

    entries: int
    head: str
    findings: tuple[str, ...]

    def __bool__(self) -> bool:
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"ok": bool(self), "entries": self.entries, "head": self.head, "findings": list(self.findings)}


def next_entry(last: AuditEntry | None, time: str, actor: str, action: str, subject: Mapping[str, Any]) -> AuditEntry:
    """Return the entry that follows another one, or the first."""
    seq, previous = (last.seq + 1, last.hash) if last else (1, START)
    text = json.dumps(subject, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    draft = AuditEntry(seq, time, actor, action, text, previous, "")
    return replace(draft, hash=draft.computed())


def append(connection: Connection, new: Sequence[AuditEntry]) -> None:
    """Write entries, in the transaction of a connection that writes."""
    connection.execute(insert(AUDIT), [asdict(entry) for entry in new])


def last_entry(connection: Connection, table: Table = AUDIT) -> AuditEntry | None:
    """Return the last entry; None before the first."""
    row = connection.execute(select(*columns(table)).order_by(table.c.seq.desc()).limit(1)).first()
    return None if row is None else AuditEntry(*row)


def entries(connection: Connection, last: int, before: int | None = None) -> tuple[AuditEntry, ...]:
    """Return the last so many entries, or the last before a number (seq); the oldest of them first."""
    if last < 1:
        raise InputError(f"the last 1 or more entries can be shown; got {last}")
    wanted = select(AUDIT) if before is None else select(AUDIT).where(AUDIT.c.seq < before)
    rows = connection.execute(wanted.order_by(AUDIT.c.seq.desc()).limit(min(last, _MOST))).all()
    return tuple(AuditEntry(*row) for row in reversed(rows))


def has_lost_since(connection: Connection, seq: int, collection: str) -> bool:
    """Say whether somebody of a collection (its opaque id) was erased, deleted or moved away after an entry."""
    later = select(AUDIT.c.seq).where(AUDIT.c.seq > seq, AUDIT.c.action.in_(_REMOVALS))
    return (
        connection.execute(later.where(AUDIT.c.subject.contains(f'"collection":"{collection}"')).limit(1)).first()
        is not None
    )


def columns(table: Table) -> list[Column[Any]]:
    """Return the columns of a table that make an entry."""
    return [table.c[field.name] for field in fields(AuditEntry)]


def verify(
    connection: Connection, known: str = "", *, table: Table = AUDIT, after: tuple[int, str] = BEFORE_FIRST
) -> AuditReport:
    """Walk the whole chain.

    Args:
        connection: A connection that reads.
        known: The hash of any entry, kept elsewhere (a receipt has one): it must be in the chain.
        table: Where the chain is.
        after: Number and hash of the entry that the first one follows, where older ones were let go.
    """
    findings: list[str] = []
    (seq, previous), seen = after, not known
    statement = select(*columns(table)).order_by(table.c.seq).execution_options(yield_per=_READ_AT_ONCE)
    for row in connection.execute(statement):
        entry = AuditEntry(*row)
        if entry.seq != seq + 1:
            findings.append(f"{table.name}: entries {seq + 1} to {entry.seq - 1} are missing")
        if entry.previous != previous and entry.seq == seq + 1:
            findings.append(f"{table.name}: entry {entry.seq} does not follow entry {seq}: one of them was changed")
        if entry.computed() != entry.hash:
            findings.append(f"{table.name}: entry {entry.seq} was changed: its hash is that of other words")
        seq, previous, seen = entry.seq, entry.hash, seen or entry.hash == known
    if not seen:
        findings.append(
            f"{table.name}: no entry has the hash {known}: entries were cut off, or the chain was written anew"
        )
    return AuditReport(seq, previous, tuple(findings))
