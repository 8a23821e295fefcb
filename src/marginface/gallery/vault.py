"""An opened gallery from inside: its database, its key, and the seals of its collections."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, select

from marginface.errors import CollectionGoneError
from marginface.gallery.database.columns import damaged
from marginface.gallery.database.store import Store
from marginface.gallery.database.tables import COLLECTIONS, LARGEST_EMBEDDING, META
from marginface.gallery.database.transaction import Transaction
from marginface.gallery.sealing.keys import OPEN_KEY_ID, GalleryKey, key_for
from marginface.gallery.sealing.rotation import Rotation
from marginface.gallery.sealing.seal import Seal, derived_key
from marginface.values import FloatArray


@dataclass(frozen=True, slots=True)
class Chamber:
    """A collection with its seal: what is needed to read and write its records.

    Attributes:
        id: Its number in the database.
        uid: Its opaque id.
        generation: Rises with every new data key; what was read under an older one has to be read anew.
        rotation: None where vectors are stored as they are.
        suggests: Whether the error for an unknown person names people who are called nearly so.
    """

    id: int
    uid: str
    name: str
    contract: str
    embedding_size: int
    generation: int
    seal: Seal = field(repr=False, compare=False)
    rotation: Rotation | None = field(repr=False, compare=False)
    suggests: bool = True

    def turned(self, vectors: FloatArray) -> FloatArray:
        """Return vectors (N, D) as the collection stores and compares them."""
        return vectors if self.rotation is None else self.rotation.turn(vectors)

    def turned_back(self, vectors: FloatArray) -> FloatArray:
        """Return stored vectors (N, D) as they were handed in."""
        return vectors if self.rotation is None else self.rotation.back(vectors)


class Vault:
    """A database, the key that is at hand, and who acts; chambers stay open once their data key is unwrapped."""

    def __init__(self, store: Store, key: GalleryKey | None, actor: str, *, suggests: bool = True) -> None:
        self.store = store
        self.key = key
        self.actor = actor
        self._suggests = suggests
        self._chambers: dict[str, Chamber] = {}  # by opaque id: a number may come again after a write that failed
        self._lock = threading.Lock()

    def acting(self, actor: str) -> Vault:
        """Return the same vault for another actor."""
        other = copy(self)
        other.actor = actor
        return other

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one moment; see Store.reading."""
        with self.store.reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """Give a transaction that is on the disk when this ends, whole or not at all; see Store.writing."""
        with self.store.writing() as connection:
            transaction = Transaction(connection, self.actor)
            yield transaction
            transaction.finish()

    def chamber(self, connection: Connection, collection: int) -> Chamber:
        """Return a collection with its seal, as this connection sees it.

        Raises:
            CollectionGoneError: It was erased since it was opened.
            GalleryKeyError: The key at hand is not the one that sealed it.
        """
        row = connection.execute(select(COLLECTIONS).where(COLLECTIONS.c.id == collection)).first()
        if row is None:
            gone = "this collection is gone: it was deleted since it was opened"
            raise CollectionGoneError(f"{self.store.address}: {gone}")
        with self._lock:
            known = self._chambers.get(row.uid)
            if known is None or known.generation != row.generation:
                known = self._chambers[row.uid] = self._opened(row)
        return known if known.name == row.name else replace(known, name=row.name)

    def data_key(self, row: Row[Any]) -> bytes:
        """Return the data key in a row of the table of collections."""
        if row.key_id == OPEN_KEY_ID:
            return bytes(row.data_key)
        return key_for(row.key_id, self.key, str(self.store.address)).unwrap(bytes(row.data_key), row.uid)

    def gallery_key(self, connection: Connection) -> GalleryKey | None:
        """Return the key that wraps the data keys of this gallery; None if they lie in it as they are.

        Raises:
            GalleryKeyError: The gallery is sealed by another key than the one at hand.
        """
        key_id = connection.execute(select(META.c.value).where(META.c.name == "key_id")).scalar_one()
        return None if key_id == OPEN_KEY_ID else key_for(key_id, self.key, str(self.store.address))

    def _opened(self, row: Row[Any]) -> Chamber:
        if not 0 < row.embedding_size <= LARGEST_EMBEDDING:
            raise damaged(f"embeddings of {row.embedding_size} numbers in collection {row.uid}")
        if row.rotated is None:
            raise damaged(f"whether the vectors of collection {row.uid} are turned is not stored")
        data_key = self.data_key(row)
        return Chamber(
            row.id,
            row.uid,
            row.name,
            row.contract,
            row.embedding_size,
            row.generation,
            Seal(data_key, row.uid, row.contract),
            Rotation(derived_key(data_key, "rotation"), row.embedding_size) if row.rotated else None,
            self._suggests,
        )
