"""The service's own database: keys, jobs, events; no name, vector or picture in clear.

It is a file beside the gallery's, or tables ``service_…`` in the same PostgreSQL database. Each part declares its
tables on METADATA in its own file, and has them made by ``State.add_tables``. Whoever loses the state loses keys and
jobs, and nobody who is enrolled.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Column, Connection, LargeBinary, MetaData, Table, Text, insert, inspect, select

from marginface.errors import GalleryError
from marginface.gallery.address import Address
from marginface.gallery.database.store import Store, new_file_store, open_store
from marginface.gallery.erasing.disk import empty_log
from marginface.gallery.sealing.cipher import KEY_SIZE, Cipher, new_key

SCHEMA = "1"
METADATA = MetaData()
_ABOUT = Table(
    "service_state",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)


class State:
    """The opened database; all workers share it, each with connections of its own."""

    def __init__(self, store: Store, secret: bytes) -> None:
        self._store = store
        self._secret = secret

    def close(self) -> None:
        """Close its connections."""
        self._store.close()

    def __enter__(self) -> State:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one moment; errors come in our words, as those of a gallery."""
        with self._store.reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection that alone may write; all of it is on the disk when this ends, or none."""
        with self._store.writing() as connection:
            yield connection

    def empty_log(self, wait: float = 1.0) -> bool:
        """Take the log of the file into it, so that what was deleted is gone from there too; false if others read."""
        return empty_log(self._store, wait)

    def add_tables(self, *tables: Table) -> None:
        """Make tables of METADATA that are not there yet."""
        with self._store.reading() as connection:
            known = inspect(connection)
            missing = [table for table in tables if not known.has_table(table.name)]
        if missing:
            with self._store.writing() as connection:
                METADATA.create_all(connection, missing)

    def secret(self, purpose: str) -> bytes:
        """Return 32 bytes that only this service knows, for one purpose."""
        return HKDF(SHA256(), KEY_SIZE, None, f"marginface service|{purpose}".encode()).derive(self._secret)

    def seal(self, purpose: str, place: str, content: bytes) -> bytes:
        """Return content sealed for one purpose and for one place, which ``unseal`` has to be told again."""
        return Cipher(self.secret(purpose)).seal(content, place)

    def unseal(self, purpose: str, place: str, sealed: bytes) -> bytes:
        """Return what was sealed; raise GalleryError where it was not, or for something else."""
        return Cipher(self.secret(purpose)).open(sealed, place)

    def fingerprint(self, purpose: str, content: bytes) -> str:
        """Return a keyed hash, 64 hex digits: equal for equal content, and of no use without this database."""
        return hmac.new(self.secret(purpose), content, "sha256").hexdigest()


def open_state(address: Address) -> State:
    """Open the state of a service; it is made where there is none.

    Raises:
        GalleryError: What is there is something else, or of another version.
        StorageError: It cannot be read or written.
    """
    if address.path is not None and not address.path.exists():
        with suppress(FileExistsError):  # another worker was faster
            new_file_store(address.path).close()
    store = open_store(address)
    try:
        return State(store, _prepared(store, address))
    except BaseException:
        store.close()
        raise


def _prepared(store: Store, address: Address) -> bytes:
    """Make what is missing and return the secret of the state."""
    with store.reading() as connection:
        known = _read(connection) if inspect(connection).has_table(_ABOUT.name) else {}
    if not known:
        with store.writing() as connection:
            METADATA.create_all(connection, [_ABOUT])
            known = _read(connection) or _begin(connection)
    if known["schema"] != SCHEMA.encode():
        raise GalleryError(
            f"{address}: the state of the service has schema {known['schema'].decode()}, this marginface knows "
            f"{SCHEMA}. Use the marginface that wrote it, or move it away: keys and jobs are made anew then"
        )
    return known["secret"]


def _read(connection: Connection) -> dict[str, bytes]:
    return {row.name: row.value for row in connection.execute(select(_ABOUT))}


def _begin(connection: Connection) -> dict[str, bytes]:
    known = {"schema": SCHEMA.encode(), "secret": new_key()}
    connection.execute(insert(_ABOUT), [{"name": name, "value": value} for name, value in known.items()])
    return known
