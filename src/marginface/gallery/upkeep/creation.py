"""A new gallery: the key that seals it, the file or the tables, the first entry of the audit."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from sqlalchemy import inspect

from marginface.errors import InputError, StorageError
from marginface.gallery.address import Address
from marginface.gallery.database.migrations import make_schema
from marginface.gallery.database.store import new_file_store, open_store
from marginface.gallery.database.tables import META
from marginface.gallery.database.transaction import Transaction
from marginface.gallery.enrolled.people import new_uid
from marginface.gallery.sealing.keys import KEY_VARIABLE, OPEN_KEY_ID, GalleryKey, default_key_path, find_key, make_key

_SCHEMA_NAME = "marginface"


def create_gallery(address: Address, key: GalleryKey | None, actor: str) -> None:
    """Make an empty gallery: a file whole or not at all, or the tables in a database.

    Args:
        address: A path where nothing is yet, or a database without a gallery.
        key: What wraps the data keys; None lets them lie in the gallery as they are.
        actor: Who does it.

    Raises:
        InputError: There is something already.
        StorageError: It cannot be written.
    """
    if address.path is not None:
        _create_file(address.path, key, actor)
        return
    store = open_store(address)
    try:
        with store.writing() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA_NAME}")
            if inspect(connection).has_table(META.name):
                raise InputError(f"{address}: there is a gallery already; a database holds one")
            _begin(Transaction(connection, actor), key)
    finally:
        store.close()


def key_for_new(address: Address, key: GalleryKey | Path | None) -> GalleryKey:
    """Return the key that is to seal a new gallery; it is made now if there is none.

    Args:
        address: Of the gallery: its key does not lie beside it.
        key: A key, or the file that holds it or is to hold it; without it what find_key finds, or the default file.

    Raises:
        InputError: The key would lie in the folder of the gallery.
    """
    if isinstance(key, GalleryKey):
        return key
    said = key is None and bool(os.environ.get(KEY_VARIABLE))
    place = None if said else key or default_key_path()
    if place is not None and address.path is not None and _folder(place) == _folder(address.path):
        raise InputError(
            f"{place}: the key would lie in the folder of the gallery, and who copies the folder has both. Put one of "
            "them elsewhere"
        )
    if place is not None and not place.exists():
        return make_key(place)
    found = find_key(key)
    assert found is not None, "the file or the variable is there"
    return found


def _create_file(path: Path, key: GalleryKey | None, actor: str) -> None:
    if path.exists():
        raise InputError(f"{path}: there is a file already. A gallery is made where nothing is; open this one instead")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        store = new_file_store(part)
        try:
            with store.writing() as connection:
                _begin(Transaction(connection, actor), key)
        finally:
            store.close()
        _put_in_place(part, path)
    except OSError as error:
        raise StorageError(f"{path}: cannot make a gallery there: {error.strerror}") from None
    finally:
        for ending in ("", "-wal", "-shm"):
            with suppress(OSError):
                part.with_name(part.name + ending).unlink(missing_ok=True)


def _begin(transaction: Transaction, key: GalleryKey | None) -> None:
    uid = new_uid("g")
    make_schema(transaction.connection, uid, OPEN_KEY_ID if key is None else key.id)
    transaction.record("create", {"gallery": uid, "sealed": key is not None})
    transaction.finish()


def _put_in_place(part: Path, path: Path) -> None:
    """Give a finished file its name; one that another process made meanwhile is not touched."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise InputError(f"{path}: another process has just made a file there") from None
    except OSError:  # a file system without links
        part.rename(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def _folder(path: Path) -> Path:
    return path.expanduser().resolve().parent
