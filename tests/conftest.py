"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# The real-face data is research data that lives beside the repository, never in it.
DATA_PLACES = (os.environ.get("MARGINFACE_TEST_DATA", ""), "../shared/data")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real faces, or skip: it is not part of the repository."""
    root = Path(__file__).resolve().parents[1]
    for place in DATA_PLACES:
        folder = (root / place).resolve() if place else None
        if folder is not None and (folder / "lfw").is_dir():
            return folder
    pytest.skip("real-face data is absent: set MARGINFACE_TEST_DATA to a folder with lfw/, cfp/, photos/")
