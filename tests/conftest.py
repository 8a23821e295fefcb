"""Fixtures every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oracles import disks
from oracles import postgres as servers
from oracles.drawn_once import remembering_faces

# The real-face data is research data that lives beside the repository, never in it.
DATA_PLACES = (os.environ.get("MARGINFACE_TEST_DATA", ""), "../shared/data")
TESTS = Path(__file__).parent
LONGEST = (  # ten seconds and more: begun first, none is left for the end, when the other process has nothing
    "training/test_distributed.py", "training/test_run.py", "training/test_plan.py", "training/test_lock.py",
    "cli/test_compare.py", "training/test_launch.py", "losses/test_sharded.py", "training/test_dry_run.py",
    "training/test_killed.py", "training/test_compare.py", "batch/test_on_ray.py", "toy/test_start.py",
    "training/test_pair_run.py", "training/test_packed_data.py", "test_export.py", "cli/test_hostile.py",
    "cli/test_broken_off.py", "gallery/test_killed.py", "test_demo.py", "evaluation/protocols/test_packs.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of the longest files first."""
    place = {TESTS / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(LONGEST)))


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


@pytest.fixture(scope="session", autouse=True)
def drawn_once() -> Iterator[None]:
    """Draw each face once in a process: two thirds of what hundreds of small trainings take is the same faces again.

    What is drawn depends on these numbers and on nothing else, which tests/data/synthetic show without this.
    """
    with remembering_faces():
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
