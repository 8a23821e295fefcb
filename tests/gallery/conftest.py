"""Galleries to test with: small vectors, keys of their own, in a file and in a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from marginface.gallery import Collection, Gallery, NewFace
from oracles.galleries import CONTRACT, SIZE, FaceMaker, new_face
from oracles.postgres import emptied


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


@pytest.fixture(params=["file", "server"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a gallery can be made: once a file, once a server."""
    if request.param == "file":
        return str(tmp_path / "people.db")
    return emptied(request.getfixturevalue("postgres"))


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
