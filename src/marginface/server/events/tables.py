"""The rows of the record: those of an audit, and beside them a part that can be erased.

The chain of hashes (gallery.database.audit) covers ``subject``: opaque ids of events and collections, thresholds,
times, keys. What tells of one person (their opaque id, the face, the keyed hash of the photo) is in ``private``, of
which the subject holds the hash alone. There is a random number in it: when it is erased, the hash tells nothing, and
the chain still holds.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from marginface.server.state import METADATA
from marginface.server.state.columns import NUMBER

EVENTS = Table(
    "service_events",
    METADATA,
    Column("seq", NUMBER, primary_key=True, autoincrement=False),
    Column("time", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("uid", Text, nullable=False, unique=True),
    Column("about", Text, nullable=False),  # the event that this one confirms or uses
    Column("collection", Text, nullable=False),
    Column("person", Text, nullable=False),  # by whom it is found when they are erased
    Column("private", Text),
    Index("service_events_about", "about"),
    Index("service_events_person", "person"),
)
MARKS = Table(
    "service_marks",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("number", NUMBER, nullable=False),
)
