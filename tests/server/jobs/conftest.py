"""A service whose jobs run in processes that see red faces."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from starlette.testclient import TestClient

TESTS = Path(__file__).resolve().parents[2]


@pytest.fixture
def red_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes of jobs use the red detector and the blue embedder."""
    ours = [str(TESTS / "oracles" / "hooks"), str(TESTS), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(part for part in ours if part))


@pytest.fixture
def staff(client: TestClient) -> TestClient:
    """An open service with the collection ``staff``."""
    assert client.post("/v1/collections", json={"name": "staff"}).status_code == 201
    return client
