"""Fixtures every test may use."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from oracles import disks, temporary
from oracles import postgres as servers
from oracles.drawn_once import remembering_faces

# The real-face data is research data that lives beside the repository, never in it.
DATA_PLACES = (os.environ.get("MARGINFACE_TEST_DATA", ""), "../shared/data")
TESTS = Path(__file__).parent
LONGEST = (  # ten seconds and more: begun first, none is left for the end, when the other process has nothing
    "training/test_distributed.py", "training/test_run.py", "training/test_plan.py", "training/folder/test_lock.py",
    "cli/test_compare.py", "training/test_launch.py", "losses/test_sharded.py", "training/test_dry_run.py",
    "training/test_killed.py", "training/comparing/test_compare.py", "batch", "toy/test_start.py",
    "training/test_pair_run.py", "training/test_packed_data.py", "test_export.py", "cli/test_hostile.py",
    "cli/test_broken_off.py", "gallery/test_killed.py", "test_demo.py", "evaluation/protocols/test_packs.py",
    "docs/test_train_on_many_processes.py", "server/jobs/test_killed.py", "server/jobs/test_imports.py",
    "server/web/test_work.py",
)  # fmt: skip
TOGETHER = "tests/batch/"  # by one process: a Ray cluster takes ten seconds to start, and a tenth of a core to keep


def pytest_configure(config: pytest.Config) -> None:
    """Put the files of tests into memory where there is room; --basetemp FOLDER puts them elsewhere.

    Ctrl-C is heard: what starts the tests in the background may ignore it, and so would every process of a test. No
    example of a property is too slow: a busy machine is.
    """
    slow = (*settings.default.suppress_health_check, HealthCheck.too_slow)
    settings.register_profile("any machine", settings.default, deadline=None, suppress_health_check=slow)
    settings.load_profile("any machine")
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.option.basetemp is None and (place := temporary.place()) is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(place))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of the longest files first, and those of a folder that is among them."""
    place = {TESTS / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, place.get(item.path.parent, len(LONGEST))))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each file to one process, as --dist loadfile does, and the files of TOGETHER to one."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrFolder(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return TOGETHER if nodeid.startswith(TOGETHER) else super()._split_scope(nodeid)

    return ByFileOrFolder(config, log)


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
