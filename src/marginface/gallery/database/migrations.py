"""The schema of a gallery: made new, recognized, and brought from an older version to this one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select, update

from marginface.documents import whole_number
from marginface.errors import GalleryError, InputError
from marginface.gallery.database.store import APPLICATION, Store
from marginface.gallery.database.tables import META, METADATA, SCHEMA
from marginface.gallery.database.transaction import COUNTERS, Transaction

# version: what brings a gallery of that version to the next; a change of tables.py comes with a step here
STEPS: dict[int, Callable[[Connection], None]] = {}
_KIND = "marginface gallery"


def make_schema(connection: Connection, uid: str, key_id: str) -> None:
    """Make the tables of a new gallery, whose data keys are wrapped by a key of this id."""
    METADATA.create_all(connection, checkfirst=False)
    values = {"kind": _KIND, "schema": str(SCHEMA), "uid": uid, "key_id": key_id}
    values |= dict.fromkeys(COUNTERS, "0")
    connection.execute(insert(META), [{"name": name, "value": value} for name, value in values.items()])


def has_gallery(store: Store) -> bool:
    """Say whether a database has the tables of a gallery."""
    with store.reading() as connection:
        return inspect(connection).has_table(META.name)


def gallery_schema(store: Store) -> int:
    """Return the version of the schema of what is at an address.

    Raises:
        GalleryError: It is no gallery.
    """
    with store.reading() as connection:
        is_ours = store.path is None or connection.exec_driver_sql("PRAGMA application_id").scalar() == APPLICATION
        if not is_ours or not inspect(connection).has_table(META.name):
            raise GalleryError(f"{store.address}: is not a gallery of marginface. It was left as it is")
        rows = {row.name: row.value for row in connection.execute(select(META))}
    schema = whole_number(str(rows.get("schema", "")))
    if rows.get("kind") != _KIND or schema is None:
        raise GalleryError(f"{store.address}: is not a gallery of marginface. It was left as it is")
    return schema


def check_schema(store: Store) -> None:
    """Raise GalleryError unless a gallery has the schema that this version of marginface reads."""
    found = gallery_schema(store)
    if found > SCHEMA:
        raise GalleryError(
            f"{store.address}: the gallery has schema {found}, made by a newer marginface; this one reads {SCHEMA}. "
            "Update marginface"
        )
    if found < SCHEMA:
        raise GalleryError(
            f"{store.address}: the gallery has schema {found}, this marginface reads {SCHEMA}. Bring it up with "
            "'marginface gallery migrate-schema', which keeps a copy of the file; older versions cannot read it then"
        )


def migrate_schema(store: Store, actor: str) -> tuple[int, Path | None]:
    """Bring a gallery to the present schema, all of it or nothing; a file is copied first.

    Returns:
        The version it had, and the copy (None for a server, and where nothing was to be done).

    Raises:
        GalleryError: It is newer than this marginface, or no step leads from its version.
    """
    found = gallery_schema(store)
    if found == SCHEMA:
        return found, None
    if found > SCHEMA or not all(version in STEPS for version in range(found, SCHEMA)):
        raise GalleryError(
            f"{store.address}: the gallery has schema {found}; this marginface reads {SCHEMA} and knows no way from "
            "the one to the other. Take a version of marginface that does"
        )
    copy = None if store.path is None else _copied(store, store.path, found)
    with store.writing() as connection:
        for version in range(found, SCHEMA):
            STEPS[version](connection)
        connection.execute(update(META).where(META.c.name == "schema").values(value=str(SCHEMA)))
        transaction = Transaction(connection, actor)
        transaction.record("migrate-schema", {"from": found, "to": SCHEMA})
        transaction.finish()
    return found, copy


def _copied(store: Store, path: Path, version: int) -> Path:
    """Copy a file as it is at this moment, with what its log holds, beside it."""
    copy = path.with_name(f"{path.name}.schema-{version}.backup")
    if copy.exists():
        raise InputError(f"{copy}: there is a copy from an earlier try; move it away, then migrate again")
    with store.outside() as connection:
        connection.exec_driver_sql("VACUUM INTO ?", (str(copy),))
    copy.chmod(0o600)
    return copy
