"""Fixtures every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oracles import disks
from oracles import postgres as servers

# The real-face data is research data that lives beside the repository, never in it.
DATA_PLACES = (os.environ.get("MARGINFACE_TEST_DATA", ""), "../shared/data")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real faces, or skip: it is not part of the repository."""
    root = Path(__file__).resolve().parents[1]
    for place in DATA_PLACES:
        folder = (root / place).resolve() if place else None
        if folder is not None and (folder / "lfw").is_dir():
            return folder
    pytest.skip("real-face data is absent: set MARGINFACE_TEST_DATA to a folder with lfw/, cfp/, photos/")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's cache of weights out of the tests, and the tests out of it; never download."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARGINFACE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MARGINFACE_OFFLINE", "1")
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Return the address of a PostgreSQL server, started for the tests, or of the one that is named; or skip."""
    named = os.environ.get("MARGINFACE_TEST_POSTGRES", "")
    if named:
        yield named
        return
    with servers.started() as address:
        yield address


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a disk of its own with 1 MB; only root may make one."""
    with disks.mounted(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture
def file_limit() -> Iterator[Callable[[int], None]]:
    """Return what limits the size of files, in bytes, until the end of the test."""
    with disks.files_limited():
        yield disks.limit_files_to
