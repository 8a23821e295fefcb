"""The tables of a gallery, the same in SQLite and PostgreSQL.

    meta          name → value: the schema, the gallery's opaque id, the counters
    collections   one contract, one wrapped data key each
    people        opaque id, digest of the name, sealed details (name, consent, purpose), how long to keep
    faces         opaque id, person, digest of the photo, sealed details (photo, quality)
    templates     the sealed vector of a face
    crops         the sealed crop of a face, where one is kept
    audit         who did what and when: a chain of hashes over opaque ids
    changes       which faces came, changed or went, numbered in the order of their commits

A number (id, seq) is given once and never again, also after its row is gone: the counters are in ``meta``. In clear are
the names of collections, contracts, dates, and how many people and faces there are; the rest is sealed or digested.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
)

from marginface.gallery.database.columns import Bytes, Whole, Words

T = TypeVar("T")

SCHEMA = 1
METADATA = MetaData()

LARGEST_EMBEDDING = 65_536
NAMED_AT_ONCE = 500  # values in one IN (…)

_NUMBER = BigInteger().with_variant(Whole(), "sqlite")  # INTEGER PRIMARY KEY is SQLite's row id


def _number() -> Column[int]:
    return Column("id", _NUMBER, primary_key=True, autoincrement=False)


def _sequence() -> Column[int]:
    return Column("seq", _NUMBER, primary_key=True, autoincrement=False)


def _belongs_to(name: str, target: str) -> Column[int]:
    return Column(name, _NUMBER, ForeignKey(f"{target}.id"), nullable=False)


def _required(name: str, kind: type[Words | Bytes | Whole], *, unique: bool = False) -> Column[Any]:
    """Return a column that always has a value: a damaged file may have none there all the same."""
    return Column(name, kind(required=True), nullable=False, unique=unique or None)


META = Table(
    "meta",
    METADATA,
    Column("name", Words, primary_key=True),
    _required("value", Words),
)
COLLECTIONS = Table(
    "collections",
    METADATA,
    _number(),
    _required("uid", Words, unique=True),
    _required("name", Words, unique=True),
    _required("contract", Words),
    _required("embedding_size", Whole),
    Column("rotated", Boolean, nullable=False),
    _required("key_id", Words),
    _required("data_key", Bytes),
    _required("generation", Whole),
    _required("created", Words),
)
PEOPLE = Table(
    "people",
    METADATA,
    _number(),
    _belongs_to("collection_id", "collections"),
    _required("uid", Words, unique=True),
    _required("name_digest", Bytes),
    _required("details", Bytes),
    Column("retain_until", Words),
    _required("created", Words),
    UniqueConstraint("collection_id", "name_digest"),
)
FACES = Table(
    "faces",
    METADATA,
    _number(),
    _belongs_to("collection_id", "collections"),
    _belongs_to("person_id", "people"),
    _required("uid", Words, unique=True),
    _required("photo_digest", Bytes),
    _required("details", Bytes),
    _required("created", Words),
    UniqueConstraint("person_id", "photo_digest"),
    Index("faces_of_collection", "collection_id"),  # followed by the row id: all faces in the order of their numbers
    Index("faces_of_photo", "photo_digest"),
)
TEMPLATES = Table(
    "templates",
    METADATA,
    Column("face_id", _NUMBER, ForeignKey("faces.id"), primary_key=True, autoincrement=False),
    _required("sealed", Bytes),
)
CROPS = Table(
    "crops",
    METADATA,
    Column("face_id", _NUMBER, ForeignKey("faces.id"), primary_key=True, autoincrement=False),
    Column("sealed", Bytes, nullable=False),
)
AUDIT = Table(
    "audit",
    METADATA,
    _sequence(),
    _required("time", Words),
    _required("actor", Words),
    _required("action", Words),
    _required("subject", Words),
    _required("previous", Words),
    _required("hash", Words),
)
CHANGES = Table(
    "changes",
    METADATA,
    _sequence(),
    _belongs_to("collection_id", "collections"),
    Column("face_id", _NUMBER, nullable=False),
    _required("what", Words),
    Index("changes_of_collection", "collection_id", "seq"),
)


def in_parts(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    """Give ids in parts that fit into one statement."""
    for start in range(0, len(ids), NAMED_AT_ONCE):
        yield ids[start : start + NAMED_AT_ONCE]
