"""Every test of a loss runs over all implementations of the sums over classes; tiles of 2 classes divide nothing.

test_chunked has what is chunked's own: what it stores, dtypes, bounds, memory.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marginface.losses import centers, choose
from marginface.losses.chunked import Chunked
from marginface.losses.chunked.tiles import Tiling
from marginface.losses.dense import Dense
from marginface.losses.implementation import Implementation
from marginface.losses.sharded import Sharded

OVER_ALL = {
    "test_adaptive",
    "test_center",
    "test_curves",
    "test_hard_negatives",
    "test_head",
    "test_margins",
    "test_metric_learning",
    "test_one_vs_all",
    "test_recorded",
    "test_subcenter",
}
MADE_BY = {
    "dense": Dense,
    "chunked": lambda: Chunked(Tiling(classes=2)),
    "sharded": lambda: Sharded(Dense()),  # one process; test_sharded has several
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__.rpartition(".")[2] in OVER_ALL:
        metafunc.fixturenames.append("implementation")
        metafunc.parametrize("implementation", sorted(MADE_BY), indirect=True)


@pytest.fixture
def implementation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Implementation]:
    """Return what makes the implementation of this run; every head made in the test gets it."""
    made_by = MADE_BY[request.param]
    for module in (choose, centers):
        monkeypatch.setattr(module, "Dense", made_by)
    return made_by
