from __future__ import annotations

from collections.abc import Iterator

import pytest

from oracles.drawn_once import drawing_each_time


@pytest.fixture(autouse=True)
def drawn_each_time() -> Iterator[None]:
    """Draw, and remember nothing: here it is tested that the same numbers give the same faces."""
    with drawing_each_time():
        yield
