"""One write to a gallery: its moment, its numbers, and what it leaves in the audit and in the list of changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, delete, insert, select, update

from marginface.gallery import audit
from marginface.gallery.tables import CHANGES, META

Counter = Literal["collection", "person", "face", "change"]
COUNTERS: tuple[Counter, ...] = ("collection", "person", "face", "change")
PUT: Final = "put"
GONE: Final = "gone"
KEPT_CHANGES = 200_000  # older ones are dropped; who is further behind reads all faces anew
_TRIMMED_EVERY = 10_000


class Transaction:
    """What the verbs of a gallery write with; ``finish`` comes before the commit.

    Attributes:
        connection: A connection that alone may write.
        actor: Who does it, for the audit.
        time: When it began, ISO 8601 in UTC.
    """

    def __init__(self, connection: Connection, actor: str) -> None:
        self.connection = connection
        self.actor = actor
        self.time = utc_now()
        self._last: dict[str, int] = {}
        self._first: dict[str, int] = {}

    def numbers(self, counter: Counter, count: int = 1) -> range:
        """Return numbers that were never given before and will never be again."""
        if counter not in self._last:
            self._last[counter] = self._first[counter] = last_number(self.connection, counter)
        start = self._last[counter] + 1
        self._last[counter] += count
        return range(start, start + count)

    def record(self, action: str, subject: Mapping[str, Any]) -> str:
        """Add an entry to the audit; return its hash."""
        return audit.append(self.connection, self.time, self.actor, action, subject)

    def changed(self, collection: int, faces: Iterable[int], what: Literal["put", "gone"]) -> None:
        """Note for other processes that faces of a collection came, changed or went."""
        numbers = list(faces)
        if not numbers:
            return
        rows = zip(self.numbers("change", len(numbers)), numbers, strict=True)
        values = [{"seq": seq, "collection_id": collection, "face_id": face, "what": what} for seq, face in rows]
        self.connection.execute(insert(CHANGES), values)

    def finish(self) -> None:
        """Store the counters, and drop changes that are too old."""
        for counter, last in self._last.items():
            self.connection.execute(update(META).where(META.c.name == counter).values(value=str(last)))
        first, last = self._first.get("change", 0), self._last.get("change", 0)
        if last // _TRIMMED_EVERY > first // _TRIMMED_EVERY:
            self.connection.execute(delete(CHANGES).where(CHANGES.c.seq <= last - KEPT_CHANGES))


def last_number(connection: Connection, counter: Counter) -> int:
    """Return the number that was given last; 0 before the first."""
    return int(connection.execute(select(META.c.value).where(META.c.name == counter)).scalar_one())


def utc_now() -> str:
    """Return the time, ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
