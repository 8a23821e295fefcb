"""One collection of a gallery: its people, their faces, and the search among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from marginface.errors import InputError
from marginface.gallery.database import audit
from marginface.gallery.database.transaction import GONE, Transaction
from marginface.gallery.enrolled import faces as face_rows
from marginface.gallery.enrolled import listing, moves, people
from marginface.gallery.enrolled.people import PersonRef
from marginface.gallery.erasing.erasure import READERS_WAIT, Receipt, delete_people, erase_people, verified
from marginface.gallery.names import checked_name
from marginface.gallery.records import (
    About,
    Changes,
    CollectionInfo,
    Enrolled,
    Faces,
    GalleryFace,
    Match,
    NewFace,
    Person,
    revised,
)
from marginface.gallery.search import vectors
from marginface.gallery.search.live import LiveIndex
from marginface.gallery.search.nearest import nearest_people
from marginface.gallery.upkeep.checking import check_collection
from marginface.gallery.upkeep.statistics import CollectionStats, collection_infos, collection_stats
from marginface.gallery.vault import Chamber, Vault
from marginface.matching.index import Recall, recall_at
from marginface.values import Embedding

_NOTHING = About()


class Collection:
    """People of one contract. Every verb that changes something is on the disk when it returns, or has not happened.

    A person is said by name, by opaque id, or by the Person that a verb returned. Safe for threads. Made by
    ``Gallery.collection`` and ``Gallery.create_collection``.

    Any verb raises UnknownGalleryName for a person or face that is not there, CollectionGoneError once it was
    erased, GalleryBusy if another process writes for over half a minute, and StorageError if the disk is full or
    read-only.
    """

    def __init__(self, vault: Vault, number: int, live: LiveIndex) -> None:
        self._vault = vault
        self._number = number
        self._live = live

    @property
    def name(self) -> str:
        """The collection's name."""
        return self._chamber().name

    @property
    def uid(self) -> str:
        """The collection's opaque id."""
        return self._chamber().uid

    @property
    def contract(self) -> str:
        """The contract of its embeddings."""
        return self._chamber().contract

    @property
    def embedding_size(self) -> int:
        """How many numbers an embedding has."""
        return self._chamber().embedding_size

    def size(self) -> int:
        """Return how many faces there are now: with so many a search compares one embedding."""
        index, _ = self._live.fresh()
        return index.count()

    def add_person(self, name: str, about: About = _NOTHING) -> Person:
        """Add a person without faces; raise TakenName if another one has the name."""
        with self._writing() as (transaction, chamber):
            return people.add_person(transaction, chamber, name, about)

    def add_face(self, who: PersonRef, face: NewFace) -> Enrolled:
        """Add a face to a person; a photo that the person has already is the same face, and said so.

        Raises:
            ContractMismatch: The embedding is of another contract.
        """
        return self.add_faces(who, [face])[0]

    def add_faces(self, who: PersonRef, faces: Sequence[NewFace]) -> tuple[Enrolled, ...]:
        """Add several faces to a person: all of them or none."""
        with self._writing() as (transaction, chamber):
            person = people.find_person(transaction.connection, chamber, who)
            return face_rows.add_faces(transaction, chamber, person, faces)

    def add_many(
        self, faces: Mapping[str, Sequence[NewFace]], about: About = _NOTHING
    ) -> dict[str, tuple[Enrolled, ...]]:
        """Add faces to people by name, all in one write; who is not there yet is added, with ``about``."""
        with self._writing() as (transaction, chamber):
            answers = {}
            for name, theirs in faces.items():
                clean = checked_name(name)
                found = people.find_by_name(transaction.connection, chamber, clean)
                person = found or people.insert_person(transaction, chamber, clean, about)
                answers[name] = face_rows.add_faces(transaction, chamber, person, theirs)
            return answers

    def people(self) -> list[Person]:
        """Return all people, by name."""
        with self._reading() as (connection, chamber):
            return people.list_people(connection, chamber)

    def people_after(self, last: int = 0, limit: int = 100, *, named: str = "") -> list[Person]:
        """Return the people that were added after another one, in that order, a page at a time.

        Args:
            last: The number (``Person.id``) of the last person of the page before; 0 for the first page.
            limit: How many at most.
            named: Only those in whose name this text is, whatever its case. Names are sealed, so each is opened.
        """
        with self._reading() as (connection, chamber):
            return listing.people_page(connection, chamber, last, limit, named)

    def info(self) -> CollectionInfo:
        """Return what the collection is, with its counts."""
        with self._reading() as (connection, chamber):
            return collection_infos(connection, chamber.uid)[0]

    def stats(self) -> CollectionStats:
        """Count what the collection holds."""
        with self._reading() as (connection, chamber):
            return collection_stats(connection, chamber.uid, self._vault.store.address.vectors)

    def check(self) -> tuple[str, ...]:
        """Return what is wrong with its records and its index, in words; nothing if every record opens and fits."""
        with self._reading() as (connection, chamber):
            found = tuple(check_collection(connection, self._vault, chamber.id))
        return (*found, *(self._live.difference() if self._live.is_filled else ()))

    def person(self, who: PersonRef) -> Person:
        """Return a person as they are now."""
        with self._reading() as (connection, chamber):
            return people.find_person(connection, chamber, who)

    def has_person(self, name: str) -> bool:
        """Say whether there is a person of this name."""
        with self._reading() as (connection, chamber):
            return people.find_by_name(connection, chamber, checked_name(name)) is not None

    def faces(self, who: PersonRef) -> list[GalleryFace]:
        """Return the faces of a person, in the order they were added."""
        with self._reading() as (connection, chamber):
            return face_rows.faces_of(connection, chamber, people.find_person(connection, chamber, who))

    def crop(self, face: str) -> bytes:
        """Return the kept crop of a face (its opaque id); empty if none was kept."""
        with self._reading() as (connection, chamber):
            found, owner = face_rows.find_face(connection, chamber, face)
            return face_rows.crop_of(connection, chamber, found.id, owner)

    def embedding(self, face: str) -> tuple[Person, Embedding]:
        """Return whose a face is (its opaque id), and its embedding: biometric data, to compare one face with."""
        with self._reading() as (connection, chamber):
            found, owner = face_rows.find_face(connection, chamber, face)
            person = people.people_by_id(connection, chamber, [owner])[owner]
            return person, vectors.embedding_of(connection, chamber, found.id)

    def find_photo(self, photo: str) -> list[tuple[Person, GalleryFace]]:
        """Return the faces that were enrolled from a photo (its sha256), and whose they are."""
        with self._reading() as (connection, chamber):
            found = face_rows.faces_of_photo(connection, chamber, photo)
            owners = people.people_by_id(connection, chamber, [owner for _, owner in found])
        return [(owners[owner], face) for face, owner in found]

    def rename(self, who: PersonRef, name: str) -> Person:
        """Give a person another name; raise TakenName if another one has it."""
        with self._writing() as (transaction, chamber):
            person = people.find_person(transaction.connection, chamber, who)
            return people.change_person(transaction, chamber, person, name, person.about)

    def revise(self, who: PersonRef, name: str | None, said: Mapping[str, str | date | None]) -> Person:
        """Change, in one write, the name of a person (None: keep it) and those fields of About that are said.

        Raises:
            TakenName: Another person has the name.
        """
        with self._writing() as (transaction, chamber):
            person = people.find_person(transaction.connection, chamber, who)
            about = revised(person.about, said)
            return people.change_person(transaction, chamber, person, person.name if name is None else name, about)

    def describe(self, who: PersonRef, about: About) -> Person:
        """Record consent, purpose and retention of a person, instead of what was recorded."""
        with self._writing() as (transaction, chamber):
            person = people.find_person(transaction.connection, chamber, who)
            return people.change_person(transaction, chamber, person, person.name, about)

    def merge(self, source: PersonRef, target: PersonRef) -> Person:
        """Give all faces of one person to another, and remove the first: both are one human being."""
        with self._writing() as (transaction, chamber):
            first, second = (people.find_person(transaction.connection, chamber, who) for who in (source, target))
            return moves.merge_people(transaction, chamber, first, second)

    def move(self, who: PersonRef, other: Collection) -> Person:
        """Move a person with all faces to another collection of this gallery and of the same contract."""
        with self._writing() as (transaction, chamber):
            there = self._chamber_of(transaction.connection, other)
            person = people.find_person(transaction.connection, chamber, who)
            return moves.move_person(transaction, chamber, person, there)

    def move_face(self, face: str, who: PersonRef, other: Collection | None = None) -> Person:
        """Give a face (its opaque id) to another person, here or in another collection of the same contract."""
        with self._writing() as (transaction, chamber):
            there = self._chamber_of(transaction.connection, other or self)
            person = people.find_person(transaction.connection, there, who)
            return moves.move_face(transaction, chamber, face, moves.Home(there, person))

    def delete_face(self, face: str) -> Person:
        """Delete a face (its opaque id); return its person. ``erase`` is what also cleans the disk."""
        with self._writing() as (transaction, chamber):
            found, owner = face_rows.find_face(transaction.connection, chamber, face)
            face_rows.remove_faces(transaction.connection, [found.id])
            transaction.changed(chamber.id, [found.id], GONE)
            transaction.record("delete-face", {"collection": chamber.uid, "face": face, "person": found.person})
            return people.people_by_id(transaction.connection, chamber, [owner])[owner]

    def delete(self, who: PersonRef) -> Person:
        """Delete a person with all faces; return who it was. ``erase`` is what also cleans the disk and verifies it."""
        with self._writing() as (transaction, chamber):
            person = people.find_person(transaction.connection, chamber, who)
            faces, crops = delete_people(transaction, chamber, [person])
            counts = {"faces": faces, "crops": crops}
            transaction.record("delete-person", {"collection": chamber.uid, "person": person.uid, **counts})
            return person

    def erase(self, who: PersonRef | Sequence[PersonRef], *, wait: float = READERS_WAIT) -> Receipt:
        """Remove people from templates, crops, index, logs and free pages; look in the files whether they are gone.

        Args:
            who: One person, or several.
            wait: Seconds to wait for other processes that read: only then the log can be emptied.

        Returns:
            What was removed and how it was verified; ``bool()`` says whether that is complete.
        """
        wanted = [who] if isinstance(who, str | Person) else list(who)
        with self._writing() as (transaction, chamber):
            found = {
                one.id: one for one in (people.find_person(transaction.connection, chamber, one) for one in wanted)
            }
            removed = erase_people(transaction, chamber, list(found.values()), "erase")
        return verified(self._vault, removed, wait, left_in_index=self._live.follow())

    def purge(self, today: date | None = None, *, wait: float = READERS_WAIT) -> Receipt:
        """Erase everyone whose last day to be kept is before today (UTC); see ``erase``."""
        with self._writing() as (transaction, chamber):
            due = people.due_people(transaction.connection, chamber, today or datetime.now(UTC).date())
            removed = erase_people(transaction, chamber, due, "purge")
        return verified(self._vault, removed, wait, left_in_index=self._live.follow())

    def has_lost_since(self, seq: int) -> bool:
        """Say whether anybody was erased, deleted or moved away after an entry of the audit, by whatever process."""
        with self._reading() as (connection, chamber):
            return audit.has_lost_since(connection, seq, chamber.uid)

    def search(self, embedding: Embedding, k: int = 1, *, exact: bool = False) -> tuple[Match, ...]:
        """Return the k people most similar to an embedding, by the best face of each; best first.

        What any process has written before is in the answer.

        Args:
            embedding: Of the collection's contract.
            k: How many people; fewer come if there are fewer.
            exact: Compare every face, where the index would otherwise take a shortcut.

        Raises:
            ContractMismatch: The embedding is of another contract.
        """
        return self.search_many([embedding], k, exact=exact)[0]

    def search_many(
        self, embeddings: Sequence[Embedding], k: int = 1, *, exact: bool = False
    ) -> tuple[tuple[Match, ...], ...]:
        """Return what ``search`` finds for each of several embeddings, in one go."""
        return nearest_people(self._vault, self._number, self._live, embeddings, k, exact=exact)

    def recall(self, similarity: float, sample: int = 200) -> Recall | None:
        """Measure how many faces just as similar as a threshold asks a search finds; see matching.index.recall.

        Args:
            similarity: The threshold, in (0, 1].
            sample: For so many faces at random a probe is made.

        Returns:
            None where there is nothing to measure: no face, or none among the first ten even of an exact search.
        """
        index, _ = self._live.fresh()
        faces = index.snapshot().sample(sample)
        return recall_at(index, faces, similarity) if len(faces) else None

    def snapshot(self) -> Faces:
        """Return all vectors as the collection compares them, with the number of the last change."""
        with self._reading() as (connection, chamber):
            return vectors.all_faces(connection, chamber)

    def changes_since(self, faces: Faces) -> Changes:
        """Return what came and went since a snapshot or an earlier answer (its ``put``)."""
        with self._reading() as (connection, chamber):
            return vectors.changes_since(connection, chamber, faces.sequence, faces.generation)

    def _chamber(self) -> Chamber:
        with self._reading() as (_, chamber):
            return chamber

    def _chamber_of(self, connection: Connection, other: Collection) -> Chamber:
        """Return another collection of this gallery with its seal."""
        if other._vault.store is not self._vault.store:
            raise InputError(
                f"{other.name} is a collection of {other._vault.store.address}: faces move within one opened gallery; "
                "from one gallery to another they go by export and import"
            )
        return self._vault.chamber(connection, other._number)

    @contextmanager
    def _reading(self) -> Iterator[tuple[Connection, Chamber]]:
        with self._vault.reading() as connection:
            yield connection, self._vault.chamber(connection, self._number)

    @contextmanager
    def _writing(self) -> Iterator[tuple[Transaction, Chamber]]:
        with self._vault.writing() as transaction:
            yield transaction, self._vault.chamber(transaction.connection, self._number)
