"""Erase people so that their data is gone from the disk too, look whether it is, and say so in a receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Select, delete, func, select

from marginface.errors import GalleryBusy, StorageError
from marginface.gallery.database.tables import CHANGES, COLLECTIONS, CROPS, FACES, PEOPLE, TEMPLATES, in_parts
from marginface.gallery.database.transaction import GONE, Transaction
from marginface.gallery.enrolled.faces import remove_faces, remove_people
from marginface.gallery.erasing.disk import empty_log, files_of, rewrite, vacuum_server
from marginface.gallery.erasing.traces import FileTraces, Traces
from marginface.gallery.records import Person
from marginface.gallery.vault import Chamber, Vault
from marginface.words import plural, plurals

READERS_WAIT = 10.0  # seconds for other processes to finish reading
_SHORTEST_NAME = 6  # bytes; shorter ones turn up in sealed data by chance


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure removed, and what was done to see that it is gone; ``bool()`` says whether that is complete.

    It names people by opaque ids alone, so that it can be kept.

    Attributes:
        action: erase, purge, or erase-collection (whose data key was destroyed).
        files: The files that were searched byte by byte; none for a server.
        log_emptied: The log was taken into the file and cut to zero bytes.
        rewritten: The file was written anew, since a part of a record had stayed in the free space of a page.
        rows_left: Rows of the erased people that a query still finds.
        left_in_index: Why a server that searches vectors may still hold theirs; empty if it does not.
        audit_head: Hash of the audit's entry about this erasure.
    """

    gallery: str
    collection: str
    action: Literal["erase", "purge", "erase-collection"]
    time: str
    people: tuple[str, ...]
    faces: int
    crops: int
    files: tuple[FileTraces, ...]
    log_emptied: bool
    rewritten: bool
    rows_left: int
    audit_head: str
    notes: tuple[str, ...] = ()
    left_in_index: str = ""

    def __bool__(self) -> bool:
        return self.log_emptied and not self.rows_left and not self.traces and not self.left_in_index

    @property
    def traces(self) -> int:
        """How many pieces of erased records the files still hold."""
        return sum(file.traces for file in self.files)

    def explain(self) -> str:
        """Say in words what was removed and how it was verified."""
        what = plurals((len(self.people), "person"), (self.faces, "face"), (self.crops, "crop"))
        lines = [f"Erased from {self.gallery} at {self.time}: {what}.", *self.people[:20]]
        if len(self.people) > 20:
            lines.append(f"… and {len(self.people) - 20:,} more")
        lines.extend(
            f"{file.name}: {file.size:,} bytes read, {file.traces:,} pieces of the erased records found."
            for file in self.files
        )
        lines.extend(self.notes)
        lines.extend([f"The search index: {self.left_in_index}."] if self.left_in_index else [])
        lines.append("Complete." if self else "NOT complete: see above.")
        lines.append(f"Audit: {self.audit_head}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        files = [{"name": file.name, "bytes": file.size, "traces": file.traces} for file in self.files]
        return {
            "complete": bool(self),
            "gallery": self.gallery,
            "collection": self.collection,
            "action": self.action,
            "time": self.time,
            "people": list(self.people),
            "faces": self.faces,
            "crops": self.crops,
            "files": files,
            "log_emptied": self.log_emptied,
            "rewritten": self.rewritten,
            "rows_left": self.rows_left,
            "audit_head": self.audit_head,
            "notes": list(self.notes),
            "left_in_index": self.left_in_index,
        }


@dataclass(frozen=True, slots=True)
class Removed:
    """What a transaction deleted: opaque ids and counts, and the bytes that must not be found any more."""

    collection: str
    action: Literal["erase", "purge", "erase-collection"]
    time: str
    people: tuple[str, ...]
    numbers: tuple[int, ...]
    faces: int
    crops: int
    records: tuple[bytes, ...]
    names: tuple[str, ...]
    audit_head: str


def delete_people(transaction: Transaction, chamber: Chamber, people: Sequence[Person]) -> tuple[int, int]:
    """Delete people with all they have; return how many faces and crops that were."""
    connection, numbers = transaction.connection, [person.id for person in people]
    faces = _face_numbers(connection, numbers)
    crops = sum(
        connection.execute(select(func.count()).select_from(CROPS).where(CROPS.c.face_id.in_(part))).scalar_one()
        for part in in_parts(faces)
    )
    remove_faces(connection, faces)
    remove_people(connection, numbers)
    transaction.changed(chamber.id, faces, GONE)
    return len(faces), crops


def erase_people(
    transaction: Transaction, chamber: Chamber, people: Sequence[Person], action: Literal["erase", "purge"]
) -> Removed:
    """Delete people and remember what must not be found any more; ``verified`` comes after the commit."""
    numbers = tuple(person.id for person in people)
    records = tuple(_sealed_records(transaction.connection, numbers))
    faces, crops = delete_people(transaction, chamber, people)
    uids, names = tuple(person.uid for person in people), tuple(person.name for person in people)
    told = {"collection": chamber.uid, "people": list(uids), "faces": faces, "crops": crops}
    head = transaction.record(action, told)
    return Removed(chamber.uid, action, transaction.time, uids, numbers, faces, crops, records, names, head)


def erase_collection(transaction: Transaction, collection: int) -> Removed:
    """Delete a collection. Its data key goes with it, so that what may be left of its records cannot be read."""
    connection = transaction.connection
    row = connection.execute(select(COLLECTIONS).where(COLLECTIONS.c.id == collection)).one()
    people = connection.execute(select(PEOPLE.c.id, PEOPLE.c.uid).where(PEOPLE.c.collection_id == collection)).all()
    of_collection = select(FACES.c.id).where(FACES.c.collection_id == collection)
    faces = connection.execute(select(func.count()).select_from(of_collection.subquery())).scalar_one()
    crops = connection.execute(delete(CROPS).where(CROPS.c.face_id.in_(of_collection))).rowcount
    connection.execute(delete(TEMPLATES).where(TEMPLATES.c.face_id.in_(of_collection)))
    for table in (FACES, PEOPLE, CHANGES):
        connection.execute(delete(table).where(table.c.collection_id == collection))
    connection.execute(delete(COLLECTIONS).where(COLLECTIONS.c.id == collection))
    counts = {"people": len(people), "faces": faces, "crops": crops}
    head = transaction.record("erase-collection", {"collection": row.uid, **counts})
    uids, numbers = tuple(person.uid for person in people), tuple(person.id for person in people)
    records = (bytes(row.data_key),)
    return Removed(row.uid, "erase-collection", transaction.time, uids, numbers, faces, crops, records, (), head)


def verified(vault: Vault, removed: Removed, wait: float = READERS_WAIT, *, left_in_index: str = "") -> Receipt:
    """Empty the logs, search the files for what was removed, note it in the audit, and return the receipt.

    Args:
        vault: The gallery, after the commit of the removal.
        removed: What is to be gone.
        wait: Seconds to wait for other processes that read.
        left_in_index: Why a server that searches vectors may still hold theirs.
    """
    path = vault.store.path
    look = _asked_server(vault) if path is None else _cleaned(vault, path, removed, wait)
    with vault.reading() as connection:
        left = _rows_of(connection, removed.numbers)
    head, notes = _told(vault, removed, look, left)
    return Receipt(
        str(vault.store.address),
        removed.collection,
        removed.action,
        removed.time,
        removed.people,
        removed.faces,
        removed.crops,
        look.files,
        look.log_emptied,
        look.rewritten,
        left,
        head,
        (*look.notes, *notes, *([_INDEX] if vault.store.address.vectors and not left_in_index else [])),
        left_in_index,
    )


_SERVER = (
    "A server was asked to free the space (VACUUM); its own log and its backups keep older pages until it recycles "
    "them, which cannot be seen from here. The records there are sealed."
)


_INDEX = (
    "The vectors were taken out of the index in the server: no search finds them. When it frees their place on "
    "its disk, and what its backups hold, cannot be seen from here."
)


@dataclass(frozen=True, slots=True)
class _Look:
    """What was done to the disk and what was seen there."""

    log_emptied: bool
    rewritten: bool = False
    files: tuple[FileTraces, ...] = ()
    notes: tuple[str, ...] = ()


def _asked_server(vault: Vault) -> _Look:
    try:
        vacuum_server(vault.store)
    except (GalleryBusy, StorageError) as error:
        return _Look(log_emptied=False, notes=(f"The server did not free the space: {error}.",))
    return _Look(log_emptied=True, notes=(_SERVER,))


def _cleaned(vault: Vault, path: Path, removed: Removed, wait: float) -> _Look:
    """Empty the log and search the files; write the file anew if a part of a record stayed in it."""
    texts, notes = _searchable(vault, removed.names)
    traces = Traces(removed.records, texts)
    emptied, rewritten = empty_log(vault.store, wait), False
    files = _searched(path, traces)
    if emptied and files[0].traces:
        try:
            rewrite(vault.store)
            emptied, rewritten = empty_log(vault.store, wait), True
            files = _searched(path, traces)
        except (GalleryBusy, StorageError) as error:
            notes.append(f"A part stayed in a free page, and the file could not be written anew: {error}.")
    return _Look(emptied, rewritten, tuple(files), (*notes, *_about_files(files, path, emptied=emptied)))


def _told(vault: Vault, removed: Removed, look: _Look, left: int) -> tuple[str, list[str]]:
    """Note the verification in the audit; return the hash, and what could not be done: the people are gone already."""
    found = sum(file.traces for file in look.files)
    told = {"people": len(removed.people), "traces": found, "rows": left, "log_emptied": look.log_emptied}
    try:
        with vault.writing() as transaction:
            return transaction.record(f"{removed.action}-verified", told), []
    except (GalleryBusy, StorageError) as error:
        return removed.audit_head, [f"The erasure is in the audit, its verification is not: {error}."]


def _searched(path: Path, traces: Traces) -> list[FileTraces]:
    return [traces.look_in(file) for file in files_of(path)]


def _about_files(files: list[FileTraces], path: Path, *, emptied: bool) -> list[str]:
    notes = []
    if not emptied:
        notes.append(
            f"Another process was reading all the while, so {path.name}-wal still holds older pages. No answer shows "
            "the erased any more. Repeat 'marginface gallery purge' when that process is idle or closed: it empties "
            "the log."
        )
    copies = [file.name for file in files if file.traces and file.name.startswith(path.name + ".")]
    if copies:
        notes.append(f"Copies beside the gallery still hold the erased: {', '.join(copies)}. Delete them.")
    return notes


def _searchable(vault: Vault, names: Sequence[str]) -> tuple[list[bytes], list[str]]:
    """Return the names that can be looked for in clear: long enough, and part of no collection's name; and a note."""
    with vault.reading() as connection:
        clear = " ".join(connection.execute(select(COLLECTIONS.c.name)).scalars())
    texts = [name.encode() for name in names if len(name.encode()) >= _SHORTEST_NAME and name not in clear]
    if len(texts) == len(names):
        return texts, []
    return texts, [
        f"{plural(len(names) - len(texts), 'name')} not looked for in clear, as too short or part of a collection's "
        "name. Names are sealed, and the sealed ones were looked for."
    ]


def _sealed_records(connection: Connection, people: Sequence[int]) -> list[bytes]:
    """Return every byte string that the rows of these people hold alone."""
    found: list[bytes] = []
    for part in in_parts(people):
        of_people = FACES.c.person_id.in_(part)
        queries: tuple[Select[Any], ...] = (
            select(PEOPLE.c.details, PEOPLE.c.name_digest).where(PEOPLE.c.id.in_(part)),
            select(FACES.c.details, FACES.c.photo_digest).where(of_people),
            select(TEMPLATES.c.sealed).join(FACES, FACES.c.id == TEMPLATES.c.face_id).where(of_people),
            select(CROPS.c.sealed).join(FACES, FACES.c.id == CROPS.c.face_id).where(of_people),
        )
        for query in queries:
            found.extend(bytes(value) for row in connection.execute(query) for value in row)
    return found


def _face_numbers(connection: Connection, people: Sequence[int]) -> list[int]:
    faces: list[int] = []
    for part in in_parts(people):
        faces.extend(connection.execute(select(FACES.c.id).where(FACES.c.person_id.in_(part))).scalars())
    return faces


def _rows_of(connection: Connection, people: Sequence[int]) -> int:
    """Return how many rows of these people there are: nobody gets their numbers again."""
    count = 0
    for part in in_parts(people):
        for column in (PEOPLE.c.id, FACES.c.person_id):
            count += connection.execute(select(func.count()).where(column.in_(part))).scalar_one()
    return count
