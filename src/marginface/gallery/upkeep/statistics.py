"""How much a gallery holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from marginface.gallery.database.columns import damaged
from marginface.gallery.database.tables import AUDIT, COLLECTIONS, CROPS, FACES, META, PEOPLE
from marginface.gallery.erasing.disk import files_of
from marginface.gallery.records import CollectionInfo
from marginface.gallery.sealing.keys import OPEN_KEY_ID
from marginface.gallery.vault import Vault
from marginface.matching.index import choose_index


@dataclass(frozen=True, slots=True)
class CollectionStats:
    """What a collection holds; ``faces_per_person`` is the least, the median and the most, over people with a face.

    ``search`` says how so many faces are searched.
    """

    info: CollectionInfo
    people_without_faces: int
    faces_per_person: tuple[int, float, int]
    due: int
    vector_bytes: int
    search: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        least, median, most = self.faces_per_person
        spread = {"least": least, "median": median, "most": most}
        rest = {"people_without_faces": self.people_without_faces, "due": self.due, "vector_bytes": self.vector_bytes}
        return {**self.info.to_dict(), "faces_per_person": spread, **rest, "search": self.search}


@dataclass(frozen=True, slots=True)
class Stats:
    """A gallery: its schema, its key, its files in bytes, the length of its audit, and its collections."""

    gallery: str
    uid: str
    schema: int
    key_id: str
    files: dict[str, int]
    audit_entries: int
    collections: tuple[CollectionStats, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        plain = {name: value for name, value in asdict(self).items() if name != "collections"}
        return {**plain, "collections": [collection.to_dict() for collection in self.collections]}

    @property
    def sealed(self) -> bool:
        """Whether a key is needed to read it."""
        return self.key_id != OPEN_KEY_ID


def gallery_stats(vault: Vault) -> Stats:
    """Count what a gallery holds, at one moment."""
    path = vault.store.path
    files = {} if path is None else {file.name: file.stat().st_size for file in files_of(path)}
    with vault.reading() as connection:
        meta = {row.name: row.value for row in connection.execute(select(META))}
        if not meta.keys() >= {"uid", "schema", "key_id"}:
            raise damaged("its table meta lacks what every gallery has")
        entries = connection.execute(select(func.count()).select_from(AUDIT)).scalar_one()
        server = place_of(vault.store.address.vectors)
        collections = tuple(_counted(connection, info, server) for info in collection_infos(connection))
    return Stats(
        str(vault.store.address), meta["uid"], int(meta["schema"]), meta["key_id"], files, entries, collections
    )


def collection_infos(connection: Connection, uid: str = "") -> list[CollectionInfo]:
    """Return all collections by name, with their counts; or only the one of an opaque id."""
    people = select(func.count()).where(PEOPLE.c.collection_id == COLLECTIONS.c.id).scalar_subquery()
    faces = select(func.count()).where(FACES.c.collection_id == COLLECTIONS.c.id).scalar_subquery()
    kept = CROPS.join(FACES, FACES.c.id == CROPS.c.face_id)
    crops = select(func.count()).select_from(kept).where(FACES.c.collection_id == COLLECTIONS.c.id).scalar_subquery()
    wanted = select(COLLECTIONS, people.label("people"), faces.label("faces"), crops.label("crops"))
    wanted = wanted.where(COLLECTIONS.c.uid == uid) if uid else wanted
    return [
        CollectionInfo(
            row.uid,
            row.name,
            row.contract,
            row.embedding_size,
            row.rotated,
            row.key_id,
            row.created,
            row.people,
            row.faces,
            row.crops,
        )
        for row in connection.execute(wanted.order_by(func.lower(COLLECTIONS.c.name)))
    ]


def collection_stats(connection: Connection, uid: str, vectors: str) -> CollectionStats:
    """Count what one collection holds; ``vectors`` is the address of the server that searches it, or empty."""
    (info,) = collection_infos(connection, uid)
    return _counted(connection, info, place_of(vectors))


def place_of(vectors: str) -> str:
    """Return the server of an address, without the name and password in it.

    >>> place_of("postgresql://door:secret@server/faces")
    'postgresql://server/faces'
    """
    scheme, found, rest = vectors.partition("://")
    return f"{scheme}{found}{rest.rpartition('@')[2]}"


def _counted(connection: Connection, info: CollectionInfo, server: str) -> CollectionStats:
    number = connection.execute(select(COLLECTIONS.c.id).where(COLLECTIONS.c.uid == info.uid)).scalar_one()
    grouped = select(func.count()).where(FACES.c.collection_id == number).group_by(FACES.c.person_id)
    counts = connection.execute(grouped).scalars().all()
    spread = (min(counts), float(np.median(counts)), max(counts)) if counts else (0, 0.0, 0)
    today = datetime.now(UTC).date().isoformat()
    due = select(func.count()).where(PEOPLE.c.collection_id == number, PEOPLE.c.retain_until < today)
    vectors = 4 * info.embedding_size * info.faces
    search = f"in {server}" if server else choose_index(info.faces, info.embedding_size).reason
    people, overdue = info.people - len(counts), connection.execute(due).scalar_one()
    return CollectionStats(info, people, spread, overdue, vectors, search)
