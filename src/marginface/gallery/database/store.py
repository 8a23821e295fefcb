"""The database of a gallery: connections, transactions, and its errors in our words.

A reading sees one moment. A writing waits until no other process writes, and is on the disk when it returns: in SQLite
by BEGIN IMMEDIATE, a write-ahead log and synchronous=FULL; in PostgreSQL by a lock that all writers of a gallery take.
So the numbers of changes and the chain of the audit follow the order of commits.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, NoResultFound
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from marginface.errors import GalleryBusy, GalleryError, MarginfaceError, MissingExtra, StorageError
from marginface.gallery.address import Address
from marginface.gallery.database.columns import damaged

WAIT = 30.0  # seconds for another process to finish its write
APPLICATION = 0x4D474641  # "MGFA": what SQLite's application_id says of our files
_LOCK = 0x6D617267696E  # of PostgreSQL's advisory locks: one writer to a gallery
_PRAGMAS = (
    f"busy_timeout = {int(WAIT * 1000)}",
    "foreign_keys = ON",
    "secure_delete = ON",
    "synchronous = FULL",
    "fullfsync = ON",
    "temp_store = MEMORY",
    "trusted_schema = OFF",
)
_CANNOT_OPEN = (
    "cannot be opened: look at the rights of the file and of its folder. On a read-only disk a gallery opens if it was "
    "closed before; copy one that was not, with its -wal file, to a folder that can be written"
)
_TOLD: dict[str, tuple[type[MarginfaceError], str]] = {
    "SQLITE_BUSY": (GalleryBusy, f"another process has been writing for over {WAIT:.0f} s; try again"),
    "SQLITE_LOCKED": (GalleryBusy, "another connection holds it; try again"),
    "SQLITE_FULL": (StorageError, "the disk is full. Nothing of this was written; make room and do it again"),
    "SQLITE_IOERR": (StorageError, "the disk does not take or give the data ({reason}). Nothing of this was written"),
    "SQLITE_READONLY": (
        StorageError,
        "the file, its -wal or -shm, their folder or the disk is read-only. Nothing was written",
    ),
    "SQLITE_CANTOPEN": (StorageError, _CANNOT_OPEN),
    "SQLITE_NOTADB": (GalleryError, "is not a gallery of marginface. It was left as it is"),
    "SQLITE_CORRUPT": (GalleryError, "is damaged ({reason}). Take it from a backup or from an export"),
    "55P03": (GalleryBusy, f"another process has been writing for over {WAIT:.0f} s; try again"),
    "53100": (StorageError, "the server's disk is full. Nothing of this was written; make room and do it again"),
    "25006": (StorageError, "the server is read-only. Nothing was written"),
    "42501": (StorageError, "the user of the address may not do this: {reason}"),
}

# Of the errors that SQLite has no code for, those that a damaged file brings; the others are ours.
_OF_DAMAGE = (
    "malformed",
    "no such table",
    "no such column",
    "unsupported file format",
    "Could not decode",
    "unable to",
)


class Store:
    """A database in which a gallery is, or is about to be made."""

    def __init__(self, address: Address, engine: Engine, *, read_only: bool = False) -> None:
        self.address = address
        self.read_only = read_only
        self._engine = engine
        self._process = os.getpid()

    @property
    def path(self) -> Path | None:
        """The file, if it is one."""
        return self.address.path

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one moment of the gallery."""
        options = {} if self.path else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.errors_told(), self._connect(options) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection that alone may write; all of it is on the disk when this ends, or none of it.

        Raises:
            GalleryBusy: another process writes for longer than WAIT.
            StorageError: the disk is full or read-only.
        """
        if self.read_only:
            raise StorageError(f"{self.address}: the disk is read-only, so is the gallery. Nothing was written")
        with self.errors_told(), self._connect({"marginface_writes": True}) as connection, connection.begin():
            if self.path is None:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(WAIT * 1000)}")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            yield connection

    @contextmanager
    def outside(self) -> Iterator[Connection]:
        """Give a connection outside any transaction, for what a database does only there (VACUUM, checkpoints)."""
        options = {"marginface_outside": True} if self.path else {"isolation_level": "AUTOCOMMIT"}
        with self.errors_told(), self._connect(options) as connection:
            yield connection

    def close(self) -> None:
        """Close all connections; the last one of a file empties its write-ahead log."""
        self._engine.dispose()

    @contextmanager
    def errors_told(self) -> Iterator[None]:
        """Turn what a database raises into one sentence of ours; what is none of these passes through as a bug."""
        try:
            yield
        except DBAPIError as error:
            kind, text = _told(error)
            raise kind(f"{self.address}: {text}") from error
        except NoResultFound as error:
            raise damaged("a row is missing that every gallery has") from error
        except UnicodeDecodeError as error:  # of a message of SQLite about a table that is damaged
            raise damaged("a text in it is not UTF-8") from error
        except PoolTimeout as error:
            raise GalleryBusy(f"{self.address}: all connections of this process are in use; try again") from error

    def _connect(self, options: dict[str, Any]) -> Connection:
        if os.getpid() != self._process:  # connections do not survive a fork
            self._engine.dispose(close=False)
            self._process = os.getpid()
        return self._engine.connect().execution_options(**options)


def open_store(address: Address) -> Store:
    """Return the database at an address, which is there; nothing is read yet.

    Raises:
        GalleryError: there is no file.
        MissingExtra: the package for PostgreSQL is not installed.
    """
    if address.url is not None:
        return Store(address, _postgres(address.url))
    path = _present(address)
    fixed = not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()
    return Store(address, _sqlite(path, "mode=ro&immutable=1" if fixed else "mode=rw"), read_only=fixed)


def new_file_store(path: Path) -> Store:
    """Make an empty file that its owner alone can read, ready for tables."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(handle)
    store = Store(Address(path), _sqlite(path, "mode=rw"))
    with store.outside() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION}")
    return store


def _present(address: Address) -> Path:
    path = address.path
    assert path is not None
    if path.is_dir():
        raise GalleryError(f"{path}: is a folder; a gallery is one file")
    if not path.exists():
        raise GalleryError(f"{path}: there is no gallery. 'marginface gallery create {path}' makes one")
    return path


def _sqlite(path: Path, mode: str) -> Engine:
    address = f"{path.absolute().as_uri()}?{mode}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(address, uri=True, timeout=WAIT, isolation_level=None, check_same_thread=False)
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:  # or the file stays open for as long as somebody holds the error
            connection.close()
            raise
        return connection

    engine = create_engine(
        "sqlite+pysqlite://", hide_parameters=True, creator=connect, poolclass=QueuePool, max_overflow=-1
    )
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("marginface_outside"):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("marginface_writes") else "BEGIN")


def _postgres(url: URL) -> Engine:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            f"a gallery in PostgreSQL needs a driver: pip install 'marginface[postgres]' ({error})"
        ) from None
    ours = url.set(drivername="postgresql+psycopg")
    options = {"options": "-csearch_path=marginface"}
    return create_engine(ours, hide_parameters=True, connect_args=options, pool_pre_ping=True)


def _told(error: DBAPIError) -> tuple[type[MarginfaceError], str]:
    """Return the class and the sentence for an error of a database; raise it again if we know no words for it."""
    reason = str(error.orig).strip().splitlines()[0] if error.orig and str(error.orig).strip() else str(error)
    code = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None) or ""
    for known, (kind, text) in _TOLD.items():
        if code == known or code.startswith(known + "_"):
            return kind, text.format(reason=reason)
    if code == "SQLITE_ERROR" and reason.startswith(_OF_DAMAGE):
        return GalleryError, f"is damaged ({reason}). Take it from a backup or from an export"
    if error.connection_invalidated or code in ("", "57P01") or code.startswith(("08", "28", "3D")):
        return StorageError, f"the server does not answer or refuses us: {reason}"
    raise error
