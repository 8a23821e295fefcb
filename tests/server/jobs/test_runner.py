"""The thread that starts jobs: what nobody expected does not end it, and what it says holds no name."""

from __future__ import annotations

import threading
from typing import cast

import pytest

from marginface.gallery import GalleryKey
from marginface.server.jobs import runner
from marginface.server.jobs.upkeep import Upkeep
from marginface.server.settings import ServerSettings
from marginface.server.state import State
from oracles.patience import PATIENCE


class Fails:
    """Upkeep that fails the first time, as nobody expected."""

    def __init__(self) -> None:
        self.times = 0
        self.came_again = threading.Event()

    def tick(self) -> None:
        self.times += 1
        if self.times == 1:
            raise KeyError("Ann Example")
        self.came_again.set()


def test_a_bug_ends_no_jobs_for_good(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(runner, "_LOOK", 0.01)
    monkeypatch.setattr(runner, "claim_next", lambda *_: None)
    upkeep = Fails()
    thread = runner.Runner(settings, cast(State, None), cast(GalleryKey, None), cast(Upkeep, upkeep))
    thread.start()
    assert upkeep.came_again.wait(PATIENCE)
    thread.close()
    assert "KeyError at test_runner.py" in caplog.text
    assert "Ann" not in caplog.text
