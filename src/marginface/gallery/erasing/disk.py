"""What a database leaves on the disk besides the rows: logs, free pages, copies; and getting rid of it.

SQLite: with secure_delete deleted content is overwritten with zeros in its page. The log (-wal) keeps earlier states of
a page until all of it is taken into the file and cut to zero bytes, for which no process may be reading. When rows move
between pages, a part of one can stay in the free space of its old page; VACUUM writes the file anew without it.
"""

from __future__ import annotations

import time
from pathlib import Path

from marginface.gallery.database.store import WAIT, Store
from marginface.gallery.database.tables import CROPS, FACES, PEOPLE, TEMPLATES

_PAUSE = 0.05


def empty_log(store: Store, wait: float) -> bool:
    """Take the log of a file into it and cut it to nothing; false if another process was reading all the while.

    A server looks after its own log: there is nothing to do for it.

    Args:
        store: A database that may be written.
        wait: Seconds to try for.
    """
    if store.path is None:
        return True
    deadline = time.monotonic() + wait
    with store.outside() as connection:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(_PAUSE * 1000)}")
        try:
            while True:
                busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
                if not busy or time.monotonic() >= deadline:
                    return not busy
                time.sleep(_PAUSE)
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(WAIT * 1000)}")


def rewrite(store: Store) -> None:
    """Write the file anew from its rows alone; it takes as much room again while it lasts."""
    with store.outside() as connection:
        connection.exec_driver_sql("VACUUM")


def vacuum_server(store: Store) -> None:
    """Let PostgreSQL free what deleted rows held."""
    with store.outside() as connection:
        for table in (CROPS, TEMPLATES, FACES, PEOPLE):
            connection.exec_driver_sql(f"VACUUM {table.name}")


def files_of(path: Path) -> list[Path]:
    """Return the files of a gallery: itself, its logs, and the copies beside it (NAME.schema-1.backup and the like)."""
    logs = [path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]
    copies = [found for found in path.parent.iterdir() if found.name.startswith(path.name + ".") and found.is_file()]
    return [found for found in logs if found.exists()] + sorted(copies)
