"""A collection with two people in it, enrolled over HTTP."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from oracles.staff import Staff, make_staff


@pytest.fixture
def staff(client: TestClient) -> Staff:
    """Ann has blue 10, Ben blue 120."""
    return make_staff(client)
