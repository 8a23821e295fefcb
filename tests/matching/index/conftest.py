"""Every index there is, by name; those whose package or server is missing skip with a message."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from marginface.matching.index import ExactIndex, SketchIndex, VectorIndex
from marginface.matching.index.sketch import faiss_scan, numpy_scan
from oracles.postgres import needs

Make = Callable[..., VectorIndex]  # (embedding_size) → an empty one
Opener = Callable[..., VectorIndex]  # (collection, contract=, embedding_size=) → a collection of a server

IN_MEMORY = ("exact", "exact, float16", "sketch by numpy", "sketch by faiss", "graph")
SERVERS = ("postgres", "qdrant")
_numbers = count()


@pytest.fixture(scope="session")
def postgres(postgres: str) -> str:
    """Return the address of a PostgreSQL server with pgvector, started for the tests, or of the one that is named."""
    needs("pgvector")
    return postgres


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
