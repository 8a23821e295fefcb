"""Arrays that grow together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginface.errors import StorageError
from marginface.matching.index import ExactIndex, SketchIndex
from marginface.matching.index import rows as module
from marginface.matching.index.rows import Rows
from marginface.matching.index.sketch import numpy_scan
from oracles.nearest import unit

VECTORS = unit(np.random.default_rng(0).normal(size=(12, 8)))
writes = st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 11), max_size=6)), max_size=12)


@settings(deadline=None, max_examples=60)
@given(writes, st.booleans())
def test_any_writes_leave_what_a_dictionary_would_hold(steps: list[tuple[bool, set[int]]], sketched: bool) -> None:
    index = SketchIndex(8, candidates=2, scan=numpy_scan) if sketched else ExactIndex(8)
    held: dict[int, tuple[int, int]] = {}
    for number, (adding, ids) in enumerate(steps):
        wanted = np.array(sorted(ids), np.int64)
        if adding:
            index.upsert(wanted, VECTORS[(wanted + number) % 12], wanted * 0 + number)
            held.update({face: ((face + number) % 12, number) for face in ids})
        else:
            index.delete(wanted)
            held = {face: value for face, value in held.items() if face not in ids}
    snapshot = index.snapshot()
    assert snapshot.ids.tolist() == sorted(held)
    assert snapshot.owners.tolist() == [held[face][1] for face in sorted(held)]
    np.testing.assert_array_equal(snapshot.vectors, VECTORS[[held[face][0] for face in sorted(held)]])
    if held:
        hits = index.search(VECTORS[:1], 1, exact=True)
        best = max(float(VECTORS[row] @ VECTORS[0]) for row, _ in held.values())
        assert hits.similarities[0, 0] == pytest.approx(best, abs=1e-6)


def test_what_a_removed_row_held_is_overwritten() -> None:
    rows = Rows({"vectors": np.empty((0, 8), np.float32)})
    rows.put(np.arange(5), {"vectors": VECTORS[:5]})
    rows.remove(np.array([1, 4, 0]))
    memory = rows._columns["vectors"]
    for gone in (0, 1, 4):
        assert not (memory == VECTORS[gone]).all(axis=1).any()


def test_rows_are_moved_seldom_when_they_are_put_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = []
    longer = module._longer
    monkeypatch.setattr(module, "_longer", lambda *given: moved.append(given[2]) or longer(*given))
    rows = Rows({"owners": np.empty(0, np.int64)})
    for number in range(3000):
        rows.put(np.array([number]), {"owners": np.array([number])})
    assert sum(moved) < 3000 * 2 * 4  # two columns, each row moved less than four times
    assert rows.column("owners").tolist() == list(range(3000))


def test_room_that_is_made_at_once_is_not_made_again() -> None:
    rows = Rows({"owners": np.empty(0, np.int64)}, capacity=100)
    before = rows._columns["owners"]
    rows.put(np.arange(100), {"owners": np.arange(100)})
    assert rows._columns["owners"] is before


def test_too_little_memory_is_a_message_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    index = ExactIndex(8)
    index.upsert(np.arange(4), VECTORS[:4], np.arange(4))

    def full(*_: object) -> np.ndarray:
        raise MemoryError("Unable to allocate")

    monkeypatch.setattr(module, "_longer", full)
    with pytest.raises(StorageError, match=r"no memory for an index of 12 faces.*PostgreSQL"):
        index.upsert(np.arange(4, 12), VECTORS[4:], np.arange(8))
    assert index.count() == 4
    assert index.search(VECTORS[:1], 9).ids[0, 0] == 0


def test_a_column_cannot_be_written_to() -> None:
    rows = Rows({"owners": np.empty(0, np.int64)})
    rows.put(np.array([1]), {"owners": np.array([2])})
    with pytest.raises(ValueError, match="read-only"):
        rows.column("owners")[0] = 3
