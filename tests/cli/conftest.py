"""What the tests of all commands share; they import what it takes, other tests of commands do not."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the lines of BASES name."""
    from oracles.command_world import make_world

    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def at_hand(world: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to the world, with the red detector and the blue embedder; what takes long says that it would begin."""
    from oracles.command_world import stand_in

    stand_in(world, monkeypatch)
    return world
