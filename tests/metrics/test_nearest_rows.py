"""The highest similarities against sorting all of them, however the rows are shown."""

from __future__ import annotations

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.metrics import nearest_rows
from marginface.metrics.nearest_rows import NearestRows
from marginface.values import FloatArray


def unit_rows(count: int, size: int, seed: int) -> FloatArray:
    rows = np.random.default_rng(seed).normal(size=(count, size))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("most", [1, 4, 300])
@pytest.mark.parametrize("cuts", [(), (3, 3, 40), (1, 90)])
def test_they_are_those_of_sorting_every_cosine(
    most: int, cuts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest_rows, "_PROBES", 7)
    monkeypatch.setattr(nearest_rows, "_ROWS", 13)
    probes, rows = unit_rows(25, 6, 0), unit_rows(120, 6, 1)
    nearest = NearestRows(probes, most)
    for part in np.split(rows, cuts):
        nearest.show(part)
    every = -np.sort(-(probes.astype(float) @ rows.astype(float).T), axis=1)
    expected = np.hstack([every, np.full((25, most), -np.inf)])[:, :most]
    np.testing.assert_allclose(nearest.similarities, expected, rtol=0, atol=1e-14)


def test_what_was_known_of_fewer_rows_holds_as_they_become_more() -> None:
    probes, rows = unit_rows(5, 3, 0), unit_rows(60, 3, 1)
    nearest = NearestRows(probes, 2)
    before = nearest.similarities.copy()
    for row in rows:
        nearest.show(row[None])
        assert (nearest.similarities >= before).all()
        before = nearest.similarities.copy()


def test_rows_of_other_numbers_are_refused() -> None:
    with pytest.raises(InputError, match=r"as many numbers as the probes, 3; got \(4, 2\)"):
        NearestRows(unit_rows(2, 3, 0), 1).show(unit_rows(4, 2, 0))
    with pytest.raises(InputError, match="1 or more rows are kept"):
        NearestRows(unit_rows(2, 3, 0), 0)
