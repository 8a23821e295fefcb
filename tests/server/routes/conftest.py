"""A collection with two people in it, enrolled over HTTP."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from oracles.staff import Staff, decode_in_this_process, make_staff


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    decode_in_this_process(monkeypatch)


@pytest.fixture
def staff(client: TestClient) -> Staff:
    """Ann has blue 10, Ben blue 120."""
    return make_staff(client)
