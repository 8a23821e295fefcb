"""New keys: for the gallery (data keys are wrapped anew) and for a collection (every record is sealed anew)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, Table, bindparam, select, update

from marginface.gallery.database.tables import COLLECTIONS, CROPS, FACES, META, PEOPLE, TEMPLATES, in_parts
from marginface.gallery.database.transaction import Transaction
from marginface.gallery.enrolled.chambers import wrapped
from marginface.gallery.sealing.cipher import new_key
from marginface.gallery.sealing.keys import OPEN_KEY_ID, GalleryKey
from marginface.gallery.sealing.rotation import Rotation
from marginface.gallery.sealing.seal import Kind, Seal, derived_key
from marginface.gallery.sealing.template import stored_bytes, stored_vectors
from marginface.gallery.vault import Chamber, Vault


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What a change of keys did; ``bool()`` says whether the old wrapped keys are gone from the disk.

    Attributes:
        key_id: The key that opens the gallery now; "open" where none is needed.
        collections: How many have their data key wrapped by it.
        resealed: How many got a new data key, and all their records sealed by it.
        log_emptied: Whether the log, which holds the old wrapped keys, could be emptied.
    """

    key_id: str
    collections: int
    resealed: int
    log_emptied: bool

    def __bool__(self) -> bool:
        return self.log_emptied

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        counts = {"collections": self.collections, "resealed": self.resealed}
        return {"key_id": self.key_id, **counts, "log_emptied": self.log_emptied}


def wrap_all(transaction: Transaction, vault: Vault, key: GalleryKey) -> tuple[int, int]:
    """Let another key wrap every data key; return how many it wraps, and how many are new as the old ones lay open."""
    rows = transaction.connection.execute(select(COLLECTIONS).order_by(COLLECTIONS.c.id)).all()
    is_open = [row.key_id == OPEN_KEY_ID for row in rows]
    for row, was_open in zip(rows, is_open, strict=True):
        (reseal if was_open else rewrap)(transaction, vault, row, key)
    transaction.connection.execute(update(META).where(META.c.name == "key_id").values(value=key.id))
    return len(rows), sum(is_open)


def reseal_all(transaction: Transaction, vault: Vault, key: GalleryKey | None) -> int:
    """Give every collection a new data key; return how many there are."""
    rows = transaction.connection.execute(select(COLLECTIONS).order_by(COLLECTIONS.c.id)).all()
    for row in rows:
        reseal(transaction, vault, row, key)
    return len(rows)


def rewrap(transaction: Transaction, vault: Vault, collection: Row[Any], key: GalleryKey) -> None:
    """Wrap the data key of a collection by another key; its records stay as they are."""
    values = wrapped(vault.data_key(collection), key, collection.uid)
    _update(transaction.connection, COLLECTIONS.c.id, [{"id": collection.id, **values}])
    subject = {"collection": collection.uid, "from": collection.key_id, "to": key.id}
    transaction.record("rotate-key", subject)


def reseal(transaction: Transaction, vault: Vault, collection: Row[Any], key: GalleryKey | None) -> None:
    """Give a collection a new data key, wrapped by ``key``, and seal all its records by it.

    A rotated collection gets another rotation. Indexes are filled anew.
    """
    connection = transaction.connection
    old = vault.chamber(connection, collection.id)
    data_key = new_key()
    rotation = Rotation(derived_key(data_key, "rotation"), old.embedding_size) if collection.rotated else None
    seal = Seal(data_key, old.uid, old.contract)
    new = replace(old, generation=old.generation + 1, seal=seal, rotation=rotation)
    _reseal_people(connection, old, new)
    owners = _reseal_faces(connection, old, new)
    _reseal_blobs(connection, "template", owners, (old, new), lambda content: _turned(content, old, new))
    _reseal_blobs(connection, "crop", owners, (old, new), lambda content: content)
    values = {"generation": new.generation, **wrapped(data_key, key, old.uid)}
    _update(connection, COLLECTIONS.c.id, [{"id": old.id, **values}])
    transaction.record("rotate-data-key", {"collection": old.uid, "generation": new.generation})


def _reseal_people(connection: Connection, old: Chamber, new: Chamber) -> None:
    for part in in_parts(_numbers(connection, select(PEOPLE.c.id).where(PEOPLE.c.collection_id == old.id))):
        rows = connection.execute(select(PEOPLE.c.id, PEOPLE.c.details).where(PEOPLE.c.id.in_(part))).all()
        fresh = []
        for row in rows:
            values = old.seal.open_values("person", row.id, 0, bytes(row.details))
            digest, sealed = new.seal.digest("name", values["name"]), new.seal.seal_values("person", row.id, 0, values)
            fresh.append({"id": row.id, "name_digest": digest, "details": sealed})
        _update(connection, PEOPLE.c.id, fresh)


def _reseal_faces(connection: Connection, old: Chamber, new: Chamber) -> dict[int, int]:
    """Seal the details of all faces; return the person of each face."""
    owners: dict[int, int] = {}
    for part in in_parts(_numbers(connection, select(FACES.c.id).where(FACES.c.collection_id == old.id))):
        wanted = select(FACES.c.id, FACES.c.person_id, FACES.c.details).where(FACES.c.id.in_(part))
        fresh = []
        for row in connection.execute(wanted).all():
            owners[row.id] = row.person_id
            values = old.seal.open_values("face", row.person_id, row.id, bytes(row.details))
            digest = new.seal.digest("photo", values["photo"])
            sealed = new.seal.seal_values("face", row.person_id, row.id, values)
            fresh.append({"id": row.id, "photo_digest": digest, "details": sealed})
        _update(connection, FACES.c.id, fresh)
    return owners


def _reseal_blobs(
    connection: Connection,
    kind: Kind,
    owners: dict[int, int],
    chambers: tuple[Chamber, Chamber],
    changed: Callable[[bytes], bytes],
) -> None:
    table: Table = {"template": TEMPLATES, "crop": CROPS}[kind]
    old, new = chambers
    for part in in_parts(sorted(owners)):
        fresh = []
        for face, sealed in connection.execute(select(table).where(table.c.face_id.in_(part))).all():
            content = changed(old.seal.open(kind, owners[face], face, sealed or b""))
            fresh.append({"face_id": face, "sealed": new.seal.seal(kind, owners[face], face, content)})
        _update(connection, table.c.face_id, fresh)


def _turned(content: bytes, old: Chamber, new: Chamber) -> bytes:
    if new.rotation is None:
        return content
    (turned,) = stored_bytes(new.turned(old.turned_back(stored_vectors(content, old.embedding_size))))
    return turned


def _numbers(connection: Connection, statement: Select[Any]) -> list[int]:
    return sorted(connection.execute(statement).scalars())


def _update(connection: Connection, key: Column[int], rows: list[dict[str, Any]]) -> None:
    """Write columns of many rows; each has the column ``key`` to be found by."""
    if rows:
        values = [{**row, "wanted": row[key.name]} for row in rows]
        connection.execute(update(key.table).where(key == bindparam("wanted")), values)
