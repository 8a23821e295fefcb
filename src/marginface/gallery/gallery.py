"""A gallery: people and their faces, in collections of one contract each."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import date
from pathlib import Path
from types import TracebackType

from sqlalchemy import update

from marginface.errors import InputError, MarginfaceError, TakenName
from marginface.gallery.address import Address, parse_address
from marginface.gallery.archives.reading import read_archive
from marginface.gallery.archives.writing import ArchiveCounts, write_archive
from marginface.gallery.collection import Collection
from marginface.gallery.database import audit as chain
from marginface.gallery.database.migrations import check_schema, has_gallery, migrate_schema
from marginface.gallery.database.store import open_store
from marginface.gallery.database.tables import COLLECTIONS
from marginface.gallery.enrolled.chambers import add_chamber, checked_description, collection_number, row_named
from marginface.gallery.enrolled.people import PersonRef, find_person
from marginface.gallery.enrolled.succession import succeed
from marginface.gallery.erasing.disk import empty_log
from marginface.gallery.erasing.erasure import READERS_WAIT, Receipt, erase_collection, verified
from marginface.gallery.names import checked_name
from marginface.gallery.records import CollectionInfo
from marginface.gallery.sealing.keys import OPEN_KEY_ID, GalleryKey, find_key
from marginface.gallery.search.live import IndexMaker, LiveIndex, index_in_memory, index_in_server, open_in_server
from marginface.gallery.upkeep.checking import CheckReport, check_gallery
from marginface.gallery.upkeep.creation import create_gallery, key_for_new
from marginface.gallery.upkeep.rekeying import KeyChange, reseal_all, wrap_all
from marginface.gallery.upkeep.statistics import Stats, collection_infos, gallery_stats
from marginface.gallery.vault import Chamber, Vault


class Gallery:
    """The truth about who is enrolled: one SQLite file, or a PostgreSQL database.

    Several processes and threads may use it at once. What a verb has written is on the disk when it returns, and in the
    answer of the next search of every process. Vectors, crops, names, photos' hashes and records of consent are sealed
    (AES-256-GCM) by a key that is not in the gallery.

    >>> from marginface.gallery import Gallery, NewFace  # doctest: +SKIP
    >>> with Gallery.create("people.db") as gallery:  # doctest: +SKIP
    ...     staff = gallery.create_collection("staff", contract=embedding.contract, embedding_size=128)
    ...     staff.add_person("Ann Example")
    ...     staff.add_face("Ann Example", NewFace(embedding, photo_sha256))
    ...     staff.search(other_embedding)[0].person.name
    'Ann Example'

    Made by ``Gallery.create`` and ``Gallery.open``.
    """

    def __init__(self, vault: Vault, make_index: IndexMaker) -> None:
        self._vault = vault
        self._make_index = make_index
        self._live: dict[int, LiveIndex] = {}
        self._lock = threading.Lock()

    @classmethod
    def create(
        cls,
        address: str | Path,
        *,
        key: GalleryKey | str | Path | None = None,
        sealed: bool = True,
        actor: str = "",
        index: IndexMaker | None = None,
    ) -> Gallery:
        """Make a gallery and open it.

        Args:
            address: A path where nothing is yet, or postgresql://user@server/database.
            key: The key that seals it, or a file that holds it or is to hold it; by default $MARGINFACE_GALLERY_KEY, or
                the key file in the user's configuration folder. A file that is missing is made now.
            sealed: False lets the data keys lie in the gallery: who has the file can read every face in it.
            actor: Who acts, for the audit; by default the name of the user.
            index: Makes the index of a collection for search; by default one in memory.

        Raises:
            InputError: There is something already, or the key would lie beside the gallery.
            StorageError: It cannot be written.
        """
        place = parse_address(address)
        chosen = key_for_new(place, _key_or_file(key)) if sealed else None
        create_gallery(place, chosen, actor or _user())
        return cls.open(address, key=chosen, actor=actor, index=index)

    @classmethod
    def open(
        cls,
        address: str | Path,
        *,
        key: GalleryKey | str | Path | None = None,
        actor: str = "",
        index: IndexMaker | None = None,
        suggests: bool = True,
    ) -> Gallery:
        """Open a gallery; see ``create`` for the arguments.

        ``suggests``: the error for an unknown person names one who is called nearly so; names are opened for it. A
        service that names nobody to strangers does without.

        Raises:
            GalleryError: There is none, it is something else, damaged, or of another schema.
            GalleryKeyError: It is sealed, and its key is missing or another one.
            StorageError: It cannot be read, or the server does not answer.
        """
        place = parse_address(address)
        given = _key_or_file(key)
        chosen = given if isinstance(given, GalleryKey) else find_key(given)
        vault = Vault(open_store(place), chosen, actor or _user(), suggests=suggests)
        try:
            check_schema(vault.store)
            with vault.reading() as connection:
                vault.gallery_key(connection)
            return cls(vault, index or _maker_for(place))
        except BaseException:
            vault.store.close()
            raise

    @staticmethod
    def exists(address: str | Path) -> bool:
        """Say whether there is something at an address; for a server, whether its database has a gallery."""
        place = parse_address(address)
        if place.path is not None:
            return place.path.exists()
        store = open_store(place)
        try:
            return has_gallery(store)
        finally:
            store.close()

    @staticmethod
    def migrate_schema(address: str | Path, *, actor: str = "") -> tuple[int, Path | None]:
        """Bring a gallery of an older marginface to the present schema; a file is copied first, beside it.

        Returns:
            The schema it had, and the copy. It holds everyone who was in the gallery: delete it once all is well.
        """
        store = open_store(parse_address(address))
        try:
            return migrate_schema(store, actor or _user())
        finally:
            store.close()

    def close(self) -> None:
        """Close files, connections and indexes; the gallery is of no use afterwards."""
        with self._lock:
            for live in self._live.values():
                live.close()
            self._live = {}
        self._vault.store.close()

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def acting(self, actor: str) -> Gallery:
        """Return this gallery with another name in the audit of what is done by it; ``close`` this one alone.

        For a service that acts for many: connections and indexes are shared, so it costs nothing.
        """
        other = copy(self)
        other._vault = self._vault.acting(actor)
        return other

    @property
    def key_source(self) -> str:
        """Where the key came from that seals this gallery; empty if it is not sealed."""
        with self._vault.reading() as connection:
            key = self._vault.gallery_key(connection)
        return "" if key is None else key.source

    @property
    def address(self) -> str:
        """Where it is, without a password."""
        return str(self._vault.store.address)

    def create_collection(self, name: str, *, contract: str, embedding_size: int, rotated: bool = False) -> Collection:
        """Add a collection for embeddings of one contract.

        Args:
            name: Its name, which is not sealed.
            contract: The id of the contract (``Contract.id``); embeddings of another one are refused.
            embedding_size: How many numbers an embedding has.
            rotated: Store and compare vectors turned by a secret rotation (sealing/rotation.py): those of two
                collections cannot be compared then. For vectors that leave the gallery, to an index in a server.

        Raises:
            TakenName: Another collection has it.
            InputError: A value is out of range.
        """
        about = checked_description(name, contract, embedding_size, rotated=rotated)
        with self._vault.writing() as transaction:
            if row_named(transaction.connection, about["name"]) is not None:
                raise TakenName(f"{self.address} has a collection {about['name']!r} already; choose another name")
            chamber = add_chamber(transaction, self._vault, about)
        return self._collection(chamber.id)

    def collection(self, name: str = "") -> Collection:
        """Return a collection by name or opaque id; without a name, the only one.

        Raises:
            UnknownName: There is none of this name, or several and no name was given.
        """
        with self._vault.reading() as connection:
            return self._collection(collection_number(connection, name, self.address))

    def collections(self) -> list[CollectionInfo]:
        """Return all collections by name, with their counts."""
        with self._vault.reading() as connection:
            return collection_infos(connection)

    def rename_collection(self, name: str, new: str) -> Collection:
        """Give a collection another name; raise TakenName if another one has it."""
        new = checked_name(new, "the name of a collection")
        with self._vault.writing() as transaction:
            number = collection_number(transaction.connection, name, self.address)
            other = row_named(transaction.connection, new)
            if other is not None and other.id != number:
                raise TakenName(f"{self.address} has a collection {new!r} already; choose another name")
            transaction.connection.execute(update(COLLECTIONS).where(COLLECTIONS.c.id == number).values(name=new))
            transaction.record(
                "rename-collection", {"collection": self._vault.chamber(transaction.connection, number).uid}
            )
        return self._collection(number)

    def replace_collection(
        self, old: str, new: str, *, retired: str, faces_left: Mapping[str, int] | None = None
    ) -> bool:
        """Let a collection take the name of another one and the opaque ids of its people and faces, at once.

        Args:
            old: The collection whose place is taken, by name or opaque id.
            new: Its successor, with the same people, and their faces by the same photos.
            retired: The name that the old one has from now on.
            faces_left: How many faces of a person, by name, the successor is not to have.

        Returns:
            Whether it happened: not if the successor lags behind what was written meanwhile.
        """
        retired = checked_name(retired, "the name of a collection")
        with self._vault.writing() as transaction:
            connection = transaction.connection
            if row_named(connection, retired) is not None:
                raise TakenName(f"{self.address} has a collection {retired!r} already; choose another name")
            numbers = (collection_number(connection, name, self.address) for name in (old, new))
            chambers = [self._vault.chamber(connection, number) for number in numbers]
            return succeed(transaction, chambers[0], chambers[1], retired, faces_left or {})

    def erase_collection(self, name: str, *, wait: float = READERS_WAIT) -> Receipt:
        """Erase a collection with everyone in it. Its data key is destroyed, without which no record can be read.

        A backup has the wrapped data key too: it is beyond reading only when the gallery's key is gone as well.
        """
        with self._vault.writing() as transaction:
            number = collection_number(transaction.connection, name, self.address)
            chamber = self._vault.chamber(transaction.connection, number)
            removed = erase_collection(transaction, number)
        with self._lock:
            live = self._live.pop(number, None)
        if live is not None:
            live.close()
        return verified(self._vault, removed, wait, left_in_index=self._dropped(chamber))

    def _dropped(self, chamber: Chamber) -> str:
        """Remove a collection from the server that searches its vectors; say why, if that fails."""
        server = self._vault.store.address.vectors
        if not server:
            return ""
        try:
            index = open_in_server(server, chamber)
            index.drop()
            index.close()
        except MarginfaceError as error:
            return f"the index of the collection in the server is still there ({chamber.uid}): {error}. Remove it there"
        return ""

    def purge(self, today: date | None = None, *, wait: float = READERS_WAIT) -> list[Receipt]:
        """Erase in every collection those whose last day to be kept is before today (UTC); a receipt for each."""
        return [self.collection(info.uid).purge(today, wait=wait) for info in self.collections()]

    def rotate_key(self, key: GalleryKey, *, wait: float = READERS_WAIT) -> KeyChange:
        """Let another key open this gallery from now on, in one write. Keep it where the old one was.

        Data keys are wrapped anew; those that lay open in the gallery are replaced, and their records sealed anew.

        Args:
            key: The new key; ``make_key`` makes one.
            wait: Seconds to wait for other processes that read: only then the old wrapped keys are gone from the disk.
        """
        with self._vault.writing() as transaction:
            self._vault.gallery_key(transaction.connection)
            wrapped, resealed = wrap_all(transaction, self._vault, key)
        self._vault.key = key
        return KeyChange(key.id, wrapped, resealed, empty_log(self._vault.store, wait))

    def renew_data_keys(self, *, wait: float = READERS_WAIT) -> KeyChange:
        """Give every collection a new data key and seal all its records anew; the gallery's key stays.

        For a gallery whose data keys may have been seen. Rotated collections get another rotation.
        """
        with self._vault.writing() as transaction:
            key = self._vault.gallery_key(transaction.connection)
            resealed = reseal_all(transaction, self._vault, key)
        key_id = OPEN_KEY_ID if key is None else key.id
        return KeyChange(key_id, resealed, resealed, empty_log(self._vault.store, wait))

    def export_archive(
        self,
        path: str | Path,
        *,
        passphrase: str | None,
        collections: Sequence[str] = (),
        people: Sequence[PersonRef] = (),
    ) -> ArchiveCounts:
        """Write the gallery into one file; see archives/writing.py for its format.

        Args:
            path: The file; its owner alone can read it.
            passphrase: Seals it; None writes it in clear, faces and names.
            collections: Only these; without it all.
            people: Only these people, of the one collection that is named or there: what a person may ask for.
        """
        with self._vault.writing() as transaction:
            connection = transaction.connection
            names = collections or [info.uid for info in collection_infos(connection)]
            numbers = [collection_number(connection, name, self.address) for name in names]
            if people and len(numbers) != 1:
                raise InputError("people are of one collection: say which by collections=[name]")
            chosen = [self._vault.chamber(connection, number) for number in numbers]
            wanted = [find_person(connection, chosen[0], who) for who in people] or None
            ids, uids = [chamber.uid for chamber in chosen], [person.uid for person in wanted or []]
            transaction.record("export", {"collections": ids, "people": uids, "sealed": passphrase is not None})
        return write_archive(self._vault, Path(path), [(number, wanted) for number in numbers], passphrase)

    def import_archive(self, path: str | Path, *, passphrase: str | None = None) -> ArchiveCounts:
        """Add what an archive holds: all of it or nothing. People are known by name, faces by photo.

        Raises:
            DataError: It is no archive, damaged or cut off.
            GalleryKeyError: The passphrase does not open it.
            ContractMismatch: The collection of its name here is of another contract.
        """
        with self._vault.writing() as transaction:
            counts = read_archive(transaction, self._vault, Path(path), passphrase)
            transaction.record("import", counts.to_dict())
        return counts

    def stats(self) -> Stats:
        """Count what the gallery holds."""
        return gallery_stats(self._vault)

    def check(self) -> CheckReport:
        """Look whether every record opens and fits, the audit is whole, and the indexes of this process are true."""
        with self._lock:
            open_indexes = list(self._live.values())
        differences = [finding for live in open_indexes if live.is_filled for finding in live.difference()]
        return check_gallery(self._vault).with_findings(differences)

    def audit(self, last: int = 100, *, before: int | None = None) -> tuple[chain.AuditEntry, ...]:
        """Return the last entries of the audit, or the last before another one (its seq); the oldest of them first."""
        with self._vault.reading() as connection:
            return chain.entries(connection, last, before)

    def verify_audit(self, known: str = "") -> chain.AuditReport:
        """Say whether the chain of the audit holds; ``known`` is the hash of an entry that was kept elsewhere."""
        with self._vault.reading() as connection:
            return chain.verify(connection, known)

    def _collection(self, number: int) -> Collection:
        with self._lock:
            if number not in self._live:
                self._live[number] = LiveIndex(self._vault, number, self._make_index)
            return Collection(self._vault, number, self._live[number])


def _maker_for(address: Address) -> IndexMaker:
    return index_in_server(address.vectors) if address.vectors else index_in_memory


def _key_or_file(key: GalleryKey | str | Path | None) -> GalleryKey | Path | None:
    return Path(key).expanduser() if isinstance(key, str | Path) else key


def _user() -> str:
    """Return the name of the user, or their number where the system knows no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
