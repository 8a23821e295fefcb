"""The search index of a collection in this process: filled from the truth, brought up to date before every search."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from marginface.errors import MarginfaceError
from marginface.gallery.database.transaction import last_number
from marginface.gallery.records import Faces
from marginface.gallery.search.vectors import all_faces, changes_since
from marginface.gallery.vault import Chamber, Vault
from marginface.matching.index import ServerIndex, Snapshot, VectorIndex, choose_index, open_index
from marginface.words import plural

IndexMaker = Callable[[Chamber, int], VectorIndex]  # a collection, and how many faces to make room for
_PUT_AT_ONCE = 100_000
_STORED_SHORTER = 1e-3  # a server may keep a vector in fewer bits
_GROWN = 2  # a collection that has grown so many times since its index was chosen gets one chosen anew


def index_in_memory(chamber: Chamber, size: int) -> VectorIndex:
    """Return an empty index in memory with room for so many faces."""
    return choose_index(size, chamber.embedding_size).make()


def open_in_server(address: str, chamber: Chamber) -> ServerIndex:
    """Return the index of a collection in a server, named by the collection's opaque id."""
    return open_index(address, chamber.uid, contract=chamber.contract, embedding_size=chamber.embedding_size)


def index_in_server(address: str) -> IndexMaker:
    """Return what opens the indexes of collections in a server."""
    return lambda chamber, _: open_in_server(address, chamber)


class LiveIndex:
    """An index that follows its collection; safe for threads.

    What another process has written is in the answer of the next search: the number of the last change is compared with
    that in the database, and what came or went since is put in or taken out.
    """

    def __init__(self, vault: Vault, collection: int, make: IndexMaker) -> None:
        self._vault = vault
        self._collection = collection
        self._make = make
        self._lock = threading.Lock()
        self._index: VectorIndex | None = None
        self._sequence = self._generation = self._room = 0

    def fresh(self) -> tuple[VectorIndex, Chamber]:
        """Return the index, up to date with the database, and its collection as it is now."""
        with self._lock, self._vault.reading() as connection:
            chamber = self._vault.chamber(connection, self._collection)
            if self._index is None or self._generation != chamber.generation:
                return self._filled(chamber, all_faces(connection, chamber)), chamber
            if last_number(connection, "change") == self._sequence:
                return self._index, chamber
            changes = changes_since(connection, chamber, self._sequence, self._generation)
            if not changes.complete:
                return self._filled(chamber, changes.put), chamber
            self._index.delete(changes.gone)
            _put(self._index, changes.put)
            self._sequence = changes.put.sequence
            if self._index.count() > _GROWN * self._room:
                return self._filled(chamber, all_faces(connection, chamber)), chamber
            return self._index, chamber

    def difference(self) -> list[str]:
        """Say what the index and the truth do not share, after it was brought up to date; nothing if all is well."""
        index, _ = self.fresh()
        with self._lock, self._vault.reading() as connection:
            chamber = self._vault.chamber(connection, self._collection)
            truth = all_faces(connection, chamber)
            if truth.sequence != self._sequence:
                return []  # someone writes just now
            held = index.snapshot()
        if not np.array_equal(held.ids, truth.ids):
            return [
                f"index of {chamber.name}: holds {plural(len(held.ids), 'face')}, the gallery {len(truth):,}, "
                "and not the same"
            ]
        if not np.array_equal(held.owners, truth.owners):
            return [f"index of {chamber.name}: faces belong to other people than in the gallery"]
        if not np.allclose(held.vectors, truth.vectors, atol=_STORED_SHORTER):
            return [f"index of {chamber.name}: holds other vectors than the gallery"]
        return []

    @property
    def is_filled(self) -> bool:
        """Whether there is an index yet."""
        return self._index is not None

    def follow(self) -> str:
        """Take out now what was deleted, if there is an index; one in a server is always there.

        Returns:
            Why an index in a server could not be told, or an empty string.
        """
        server = self._vault.store.address.vectors
        if self._index is None and not server:
            return ""
        try:
            self.fresh()
        except MarginfaceError as error:
            if not server:
                raise
            return f"the index in the server still holds the vectors: {error}. The next search or erasure removes them"
        return ""

    def close(self) -> None:
        """Give the index back; the next search fills a new one."""
        with self._lock:
            if self._index is not None:
                self._index.close()
            self._index = None

    def _filled(self, chamber: Chamber, faces: Faces) -> VectorIndex:
        """Return a new index with these faces in it and no others: one in a server may hold some already."""
        if self._index is not None:
            self._index.close()
        self._room = len(faces) + len(faces) // 4 + 1000  # the next ones fit in too: growing copies all of it
        index = self._make(chamber, self._room)
        held = index.snapshot()
        index.delete(np.setdiff1d(held.ids, faces.ids))
        _put(index, _unlike(faces, held))
        self._index, self._sequence, self._generation = index, faces.sequence, faces.generation
        return index


def _unlike(faces: Faces, held: Snapshot) -> Faces:
    """Return the faces that an index does not hold, or holds otherwise."""
    if not len(held):
        return faces
    place = np.searchsorted(held.ids, faces.ids).clip(max=len(held) - 1)
    near = np.abs(held.vectors[place] - faces.vectors).max(axis=1, initial=0) <= _STORED_SHORTER
    new = ~((held.ids[place] == faces.ids) & (held.owners[place] == faces.owners) & near)
    return Faces(faces.sequence, faces.generation, faces.ids[new], faces.owners[new], faces.vectors[new])


def _put(index: VectorIndex, faces: Faces) -> None:
    for start in range(0, len(faces), _PUT_AT_ONCE):
        part = slice(start, start + _PUT_AT_ONCE)
        index.upsert(faces.ids[part], faces.vectors[part], faces.owners[part])
