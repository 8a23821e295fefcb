"""A gallery of its own for each test, and a recognizer that anyone can follow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from marginface.gallery import Collection, Gallery
from marginface.pipeline import Recognizer
from oracles.enrolments import red_recognizer


@pytest.fixture
def red() -> Recognizer:
    return red_recognizer()


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.create(tmp_path / "people.db", sealed=False) as made:
        yield made


@pytest.fixture
def people(gallery: Gallery, red: Recognizer) -> Collection:
    return gallery.create_collection("people", contract=red.contract.id, embedding_size=2)
