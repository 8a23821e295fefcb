"""The vectors of a collection, many at once: what an index is filled with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, func, select

from marginface.gallery.database.columns import damaged
from marginface.gallery.database.tables import CHANGES, FACES, TEMPLATES, in_parts
from marginface.gallery.database.transaction import GONE, KEPT_CHANGES, last_number
from marginface.gallery.records import Changes, Faces
from marginface.gallery.sealing.template import stored_vectors
from marginface.gallery.vault import Chamber
from marginface.values import Embedding

_READ_AT_ONCE = 20_000


def all_faces(connection: Connection, chamber: Chamber) -> Faces:
    """Return every vector of a collection, as it is stored, with the last change that is in it."""
    counted = select(func.count()).select_from(FACES).where(FACES.c.collection_id == chamber.id)
    return _read(connection, chamber, _vectors(chamber), connection.execute(counted).scalar_one())


def some_faces(connection: Connection, chamber: Chamber, ids: Sequence[int]) -> Faces:
    """Return the vectors of those of these faces that are in the collection."""
    parts = list(in_parts(sorted(ids))) or [()]
    found = [_read(connection, chamber, _vectors(chamber).where(FACES.c.id.in_(part)), len(part)) for part in parts]
    arrays = [np.concatenate([getattr(part, name) for part in found]) for name in ("ids", "owners", "vectors")]
    return Faces(found[0].sequence, chamber.generation, *arrays)


def changes_since(connection: Connection, chamber: Chamber, sequence: int, generation: int) -> Changes:
    """Return what changed after a change, or all faces where that cannot be told any more."""
    last = last_number(connection, "change")
    if generation != chamber.generation or not last - KEPT_CHANGES <= sequence <= last:
        return Changes(all_faces(connection, chamber), np.empty(0, np.int64), complete=False)
    table = CHANGES.c
    wanted = select(table.face_id, table.what).where(table.collection_id == chamber.id, table.seq > sequence)
    now = {row.face_id: row.what for row in connection.execute(wanted.order_by(table.seq))}
    gone = np.array([face for face, what in now.items() if what == GONE], dtype=np.int64)
    return Changes(some_faces(connection, chamber, [face for face, what in now.items() if what != GONE]), gone)


def embedding_of(connection: Connection, chamber: Chamber, face: int) -> Embedding:
    """Return the embedding of a face of the collection, as it was handed in."""
    found = some_faces(connection, chamber, [face])
    return Embedding(chamber.turned_back(found.vectors)[0], chamber.contract)


def _vectors(chamber: Chamber) -> Select[Any]:
    joined = FACES.join(TEMPLATES, FACES.c.id == TEMPLATES.c.face_id)
    columns = select(FACES.c.id, FACES.c.person_id, TEMPLATES.c.sealed).select_from(joined)
    return columns.where(FACES.c.collection_id == chamber.id).order_by(FACES.c.id)


def _read(connection: Connection, chamber: Chamber, statement: Select[Any], room: int) -> Faces:
    """Return what a query of _vectors finds, at most ``room`` rows; a million take a few seconds."""
    ids, owners = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    vectors = np.empty((room, chamber.embedding_size), dtype=np.float32)
    filled = 0
    for rows in _parts(connection, statement):
        part = slice(filled, filled + len(rows))
        try:
            ids[part], owners[part] = [row[0] for row in rows], [row[1] for row in rows]
        except (TypeError, ValueError, OverflowError) as error:  # SQLite's own cursor checks nothing
            raise damaged(f"the number of a face or person is none: {error}") from None
        opened = [chamber.seal.open("template", person, face, sealed) for face, person, sealed in rows]
        vectors[part] = stored_vectors(b"".join(opened), chamber.embedding_size)
        filled += len(rows)
    last = last_number(connection, "change")
    return Faces(last, chamber.generation, ids[:filled], owners[:filled], vectors[:filled])


def _parts(connection: Connection, statement: Select[Any]) -> Iterator[Sequence[Any]]:
    """Give the rows of a query in parts. SQLite's own cursor makes no object for a row but a tuple: twice as fast."""
    if connection.dialect.name != "sqlite":
        yield from connection.execute(statement.execution_options(yield_per=_READ_AT_ONCE)).partitions()
        return
    cursor = connection.execute(statement).cursor
    assert cursor is not None, "a query has one"
    while rows := cursor.fetchmany(_READ_AT_ONCE):
        yield rows
    cursor.close()
