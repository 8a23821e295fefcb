"""The most similar pairs against sorting all of them; what is dropped on the way was not among them."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginface.errors import InputError
from marginface.metrics import hardest_pairs
from marginface.metrics.hardest_pairs import (
    HardestPairs,
    genuine_pairs,
    hardest_crossed,
    hardest_impostors,
    product_error,
)
from marginface.values import FloatArray, IntArray


def unit_rows(count: int, size: int, seed: int) -> FloatArray:
    rows = np.random.default_rng(seed).normal(size=(count, size))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def sorted_pairs(
    first: FloatArray, second: FloatArray, first_people: IntArray, second_people: IntArray, *, one_set: bool
) -> list[tuple[float, int, int]]:
    """Every impostor pair, most similar first, of equal ones the lowest rows first."""
    rows = combinations(range(len(first)), 2) if one_set else product(range(len(first)), range(len(second)))
    found = [
        (-float(np.dot(first[i].astype(float), second[j].astype(float))), i, j)
        for i, j in rows
        if first_people[i] != second_people[j]
    ]
    return [(-value, i, j) for value, i, j in sorted(found)]


def assert_same(found: HardestPairs, expected: list[tuple[float, int, int]]) -> None:
    assert len(found.first) == len(expected)
    np.testing.assert_allclose(found.similarities, [value for value, _, _ in expected], rtol=0, atol=1e-14)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(i, j) for _, i, j in expected]


@pytest.fixture(params=[(512, 8192), (7, 11)], ids=["one tile", "small tiles"])
def _tiles(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small tiles, and so few pairs that wait that they are settled many times."""
    rows, columns = request.param
    monkeypatch.setattr(hardest_pairs, "_ROWS", rows)
    monkeypatch.setattr(hardest_pairs, "_COLUMNS", columns)
    if rows < 100:
        monkeypatch.setattr(hardest_pairs, "_WAITING", 10)


@pytest.mark.usefixtures("_tiles")
@pytest.mark.parametrize("most", [1, 40, 400, 10_000])
def test_the_most_similar_of_one_set_are_those_of_sorting_every_pair(most: int) -> None:
    rows, people = unit_rows(60, 6, seed=1), np.random.default_rng(2).integers(0, 20, 60)
    expected = sorted_pairs(rows, rows, people, people, one_set=True)
    assert_same(hardest_impostors(rows, people, most), expected[:most])


@pytest.mark.usefixtures("_tiles")
@pytest.mark.parametrize("most", [1, 40, 10_000])
def test_the_most_similar_between_two_sets_are_those_of_sorting_every_pair(most: int) -> None:
    rng = np.random.default_rng(3)
    first, second = unit_rows(30, 5, seed=4), unit_rows(50, 5, seed=5)
    people = rng.integers(0, 9, 30), rng.integers(0, 9, 50)
    expected = sorted_pairs(first, second, *people, one_set=False)
    assert_same(hardest_crossed(first, second, *people, most), expected[:most])


@pytest.mark.usefixtures("_tiles")
def test_of_equal_pairs_those_with_the_lowest_rows_are_kept() -> None:
    rows = np.tile(np.array([[0.5, 0.5, 0.5, 0.5]], dtype=np.float32), (40, 1))  # every product is exactly 1
    people = np.arange(40)
    expected = sorted_pairs(rows, rows, people, people, one_set=True)
    assert_same(hardest_impostors(rows, people, 100), expected[:100])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(1, 60))
def test_the_order_of_the_photos_changes_nothing_but_their_names(seed: int, count: int, most: int) -> None:
    rows, people = unit_rows(count, 3, seed), np.random.default_rng(seed).integers(0, 6, count)
    order = np.random.default_rng(seed + 1).permutation(count)
    plain, shuffled = hardest_impostors(rows, people, most), hardest_impostors(rows[order], people[order], most)
    np.testing.assert_allclose(plain.similarities, shuffled.similarities, rtol=0, atol=1e-14)


def test_an_order_that_float32_products_hide_is_found() -> None:
    """All cosines are within 3e-6 of each other, not far above the error of a float32 product of 512 numbers."""
    noise = np.random.default_rng(0).normal(scale=1e-4, size=(120, 512))
    rows = np.full((120, 512), 512**-0.5) + noise
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    people = np.arange(120)
    expected = sorted_pairs(rows, rows, people, people, one_set=True)[:25]
    first, second = np.triu_indices(120, 1)
    order = np.argsort(-(rows @ rows.T)[first, second], kind="stable")[:25]
    assert [(i, j) for _, i, j in expected] != list(zip(first[order].tolist(), second[order].tolist(), strict=True))
    assert_same(hardest_impostors(rows, people, 25), expected)


def test_a_product_of_512_numbers_is_off_by_512_roundings_at_most() -> None:
    assert product_error(512) == pytest.approx(512 * 2**-24, rel=0.011)
    ones = np.full(512, 512**-0.5, dtype=np.float32)
    assert abs(float(np.float32(ones @ ones)) - float(ones.astype(float) @ ones)) < product_error(512)


def test_every_genuine_pair_is_listed_once() -> None:
    people = np.random.default_rng(0).integers(-3, 7, 50)
    first, second = genuine_pairs(people)
    expected = {(i, j) for i, j in combinations(range(50), 2) if people[i] == people[j]}
    found = list(zip(first.tolist(), second.tolist(), strict=True))
    assert {tuple(sorted(pair)) for pair in found} == expected
    assert len(found) == len(expected)
    for none in (np.empty(0, dtype=np.int64), np.arange(5)):
        assert [len(part) for part in genuine_pairs(none)] == [0, 0]


def test_people_of_one_set_without_strangers_have_no_impostor_pair() -> None:
    found = hardest_impostors(unit_rows(5, 3, 0), np.zeros(5, dtype=np.int64), 10)
    assert len(found.first) == len(found.similarities) == 0


def test_what_does_not_fit_is_said() -> None:
    rows, people = unit_rows(4, 3, 0), np.arange(4)
    with pytest.raises(InputError, match=r"a person each, .N,.; got \(4, 3\) and \(3,\)"):
        hardest_impostors(rows, people[:3], 1)
    with pytest.raises(InputError, match="unit rows; got norms"):
        hardest_impostors(2 * rows, people, 1)
    with pytest.raises(InputError, match="1 pair or more is kept; got 0"):
        hardest_impostors(rows, people, 0)
    with pytest.raises(InputError, match="vectors of one length"):
        hardest_crossed(rows, unit_rows(4, 2, 0), people, people, 1)
