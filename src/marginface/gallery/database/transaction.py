"""One write to a gallery: its moment, its numbers, and what it leaves in the audit and in the list of changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from sqlalchemy import Connection, delete, insert, select, update

from marginface.clock import now_text
from marginface.documents import whole_number
from marginface.gallery.database import audit
from marginface.gallery.database.columns import damaged
from marginface.gallery.database.tables import CHANGES, META

Counter = Literal["collection", "person", "face", "change"]
COUNTERS: tuple[Counter, ...] = ("collection", "person", "face", "change")
PUT: Final = "put"
GONE: Final = "gone"
KEPT_CHANGES = 200_000  # older ones are dropped; who is further behind reads all faces anew
_TRIMMED_EVERY = 10_000
_WAITING = 5_000  # entries or changes that are kept to be written together


class Transaction:
    """What the verbs of a gallery write with; ``finish`` comes before the commit.

    Attributes:
        connection: A connection that alone may write.
        actor: Who does it, for the audit.
        time: When it began, as clock has it.
    """

    def __init__(self, connection: Connection, actor: str) -> None:
        self.connection = connection
        self.actor = actor
        self.time = now_text()
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._head: audit.AuditEntry | None = None
        self._entries: list[audit.AuditEntry] = []
        self._changes: list[tuple[int, int, int, str]] = []

    def numbers(self, counter: Counter, count: int = 1) -> range:
        """Return numbers that were never given before and will never be again."""
        if counter not in self._last:
            self._first[counter] = self._last[counter] = last_number(self.connection, counter)
        start = self._last[counter] + 1
        self._last[counter] += count
        return range(start, start + count)

    def record(self, action: str, subject: Mapping[str, Any]) -> str:
        """Add an entry to the audit; return its hash."""
        last = self._head or audit.last_entry(self.connection)
        self._head = audit.next_entry(last, self.time, self.actor, action, subject)
        self._entries.append(self._head)
        self._write_above(_WAITING)
        return self._head.hash

    def changed(self, collection: int, faces: Iterable[int], what: Literal["put", "gone"]) -> None:
        """Note for other processes that faces of a collection came, changed or went."""
        numbers = list(faces)
        rows = zip(self.numbers("change", len(numbers)), numbers, strict=True)
        self._changes += [(seq, collection, face, what) for seq, face in rows]
        self._write_above(_WAITING)

    def finish(self) -> None:
        """Write the audit, the changes and the counters; drop changes that are too old."""
        self._write_above(0)
        first, last = (numbers.get("change", 0) for numbers in (self._first, self._last))
        if last // _TRIMMED_EVERY > first // _TRIMMED_EVERY:
            self.connection.execute(delete(CHANGES).where(CHANGES.c.seq <= last - KEPT_CHANGES))
        for counter, number in self._last.items():
            self.connection.execute(update(META).where(META.c.name == counter).values(value=str(number)))

    def _write_above(self, waiting: int) -> None:
        """Write entries and changes if there are more than so many: many at once are cheaper."""
        if len(self._entries) > waiting:
            audit.append(self.connection, self._entries)
            self._entries = []
        if len(self._changes) > waiting:
            names = ("seq", "collection_id", "face_id", "what")
            self.connection.execute(insert(CHANGES), [dict(zip(names, row, strict=True)) for row in self._changes])
            self._changes = []


def last_number(connection: Connection, counter: Counter) -> int:
    """Return the number that was given last; 0 before the first."""
    number = whole_number(connection.execute(select(META.c.value).where(META.c.name == counter)).scalar_one())
    if number is None:
        raise damaged(f"the last number of {counter} is none")
    return number
