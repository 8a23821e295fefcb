"""The collections of a gallery as rows: described, added, found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from marginface.contract import is_contract_id
from marginface.errors import ContractMismatch, InputError, UnknownGalleryName
from marginface.gallery.database.columns import damaged
from marginface.gallery.database.tables import COLLECTIONS, LARGEST_EMBEDDING
from marginface.gallery.database.transaction import Transaction
from marginface.gallery.enrolled.people import new_uid
from marginface.gallery.names import checked_name, is_beside
from marginface.gallery.sealing.cipher import new_key
from marginface.gallery.sealing.keys import OPEN_KEY_ID, GalleryKey
from marginface.gallery.vault import Chamber, Vault
from marginface.registry import near_names, shown

_SHOWN = 100  # names in an error
_OPTION = " (on the command line: --collection NAME)"


def checked_description(name: str, contract: str, embedding_size: int, *, rotated: bool) -> dict[str, Any]:
    """Return the columns that describe a new collection, or raise InputError."""
    if not is_contract_id(contract):
        raise InputError(f"contract is the id of a contract, 16 hex digits or foreign:…; got {contract!r}")
    if (
        isinstance(embedding_size, bool)
        or not isinstance(embedding_size, int)
        or not 0 < embedding_size <= LARGEST_EMBEDDING
    ):
        raise InputError(f"embedding_size is a whole number from 1 to {LARGEST_EMBEDDING:,}; got {embedding_size!r}")
    clean = checked_name(name, "the name of a collection")
    return {"name": clean, "contract": contract, "embedding_size": embedding_size, "rotated": bool(rotated)}


def add_chamber(transaction: Transaction, vault: Vault, about: Mapping[str, Any]) -> Chamber:
    """Add a collection that checked_description describes, with a data key of its own."""
    number, uid = transaction.numbers("collection")[0], new_uid("c")
    keys = wrapped(new_key(), vault.gallery_key(transaction.connection), uid)
    row = {"id": number, "uid": uid, "generation": 1, "created": transaction.time, **about, **keys}
    transaction.connection.execute(insert(COLLECTIONS), row)
    transaction.record("create-collection", {"collection": uid, "contract": about["contract"]})
    return vault.chamber(transaction.connection, number)


def chamber_for(transaction: Transaction, vault: Vault, said: Mapping[str, Any]) -> Chamber:
    """Return the collection that an archive describes, made now if there is none of its name.

    Raises:
        ContractMismatch: The one of its name holds embeddings of another contract.
    """
    about = checked_description(said["name"], said["contract"], said["embedding_size"], rotated=said["rotated"])
    row = row_named(transaction.connection, about["name"])
    if row is None:
        return add_chamber(transaction, vault, about)
    if (row.contract, row.embedding_size) != (about["contract"], about["embedding_size"]):
        raise ContractMismatch(
            f"collection {row.name} holds embeddings of contract {row.contract}; the archive's are of "
            f"{about['contract']}. Rename the one here, or import into another gallery"
        )
    return vault.chamber(transaction.connection, row.id)


def row_named(connection: Connection, name: str) -> Row[Any] | None:
    """Return the row of a collection by its name, or None."""
    return connection.execute(select(COLLECTIONS).where(COLLECTIONS.c.name == name)).first()


def wrapped(data_key: bytes, key: GalleryKey | None, collection: str) -> dict[str, Any]:
    """Return the columns that hold a data key: wrapped, or as it is where there is no key."""
    if key is None:
        return {"key_id": OPEN_KEY_ID, "data_key": data_key}
    return {"key_id": key.id, "data_key": key.wrap(data_key, collection)}


def collection_number(connection: Connection, name: str, gallery: str) -> int:
    """Return the number of a collection by its name or opaque id; without a name, of the only one.

    Raises:
        UnknownGalleryName: there is none of this name, or several and no name was given.
    """
    table = COLLECTIONS.c
    rows = connection.execute(select(table.id, table.uid, table.name).order_by(func.lower(table.name))).all()
    brief = f"there is no collection {shown(name)}" if name else "there are several collections: say which"
    if not rows:
        raise UnknownGalleryName(f"{gallery}: there is no collection yet; create_collection makes one", brief)
    found = [row.id for row in rows if row.uid == name]  # before one that was given this as its name
    found = found or [row.id for row in rows if row.name == name or (not name and not is_beside(row.name))]
    if len(found) == 1:
        if found[0] is None:
            raise damaged("a collection has no number")
        return int(found[0])
    known = [row.name for row in rows[:_SHOWN]]
    asked = f"no collection {shown(name)}. {near_names(name, known)}" if name else f"{brief}{_OPTION}. "
    more = f" and {len(rows) - _SHOWN:,} more" if len(rows) > _SHOWN else ""
    raise UnknownGalleryName(f"{gallery}: {asked}Known: {', '.join(known)}{more}", brief)
