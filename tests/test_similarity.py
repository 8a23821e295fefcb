"""Comparing embeddings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginface import similarity as module
from marginface.errors import ContractMismatch, InputError
from marginface.similarity import best_of, cosine, l2_normalize, pair_similarities, similarity, top_k
from marginface.values import Embedding


def unit_rows(count: int, size: int, seed: int) -> np.ndarray:
    return l2_normalize(np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32))


def cosine_by_hand(a: np.ndarray, b: np.ndarray) -> float:
    dot = sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(float(x) ** 2 for x in a)) / math.sqrt(sum(float(y) ** 2 for y in b))


def top_k_by_hand(probe: np.ndarray, gallery: np.ndarray, k: int) -> list[int]:
    scored = [(-float(np.dot(probe, row)), index) for index, row in enumerate(gallery)]
    return [index for _, index in sorted(scored)[:k]]


def test_normalized_vectors_have_length_one_and_keep_their_direction() -> None:
    vectors = np.random.default_rng(0).normal(size=(2, 5, 8)).astype(np.float32) * 1e6
    unit = l2_normalize(vectors)
    assert unit.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(unit, axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(unit * np.linalg.norm(vectors, axis=-1, keepdims=True), vectors, rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_very_short_and_very_long_vectors_have_a_direction_too(scale: float) -> None:
    np.testing.assert_allclose(
        l2_normalize(np.array([3.0, 4.0], np.float32) * np.float32(scale)), [0.6, 0.8], rtol=1e-6
    )


@pytest.mark.parametrize("bad", [0.0, float("nan"), float("inf")])
def test_a_vector_without_direction_is_refused(bad: float) -> None:
    with pytest.raises(InputError, match="no direction"):
        l2_normalize(np.array([[1.0, 0.0], [bad, 0.0]], np.float32))


def test_cosine_equals_the_definition_row_by_row_and_broadcasts() -> None:
    random = np.random.default_rng(1)
    a, b = random.normal(size=(6, 9)).astype(np.float32), random.normal(size=(6, 9)).astype(np.float32)
    np.testing.assert_allclose(cosine(a, b), [cosine_by_hand(x, y) for x, y in zip(a, b, strict=True)], atol=1e-6)
    np.testing.assert_allclose(cosine(a, b[0]), [cosine_by_hand(x, b[0]) for x in a], atol=1e-6)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.floats(1e-3, 1e3))
def test_cosine_is_symmetric_within_bounds_and_blind_to_length(seed: int, scale: float) -> None:
    a, b = np.random.default_rng(seed).normal(size=(2, 16)).astype(np.float32)
    assert -1 <= cosine(a, b) <= 1
    assert cosine(a, b) == cosine(b, a)
    assert cosine(a * np.float32(scale), b) == pytest.approx(float(cosine(a, b)), abs=1e-6)
    assert cosine(a, a) == pytest.approx(1)
    assert cosine(a, -a) == pytest.approx(-1)


def test_vectors_of_different_sizes_cannot_be_compared() -> None:
    with pytest.raises(InputError, match=r"\(3,\) and \(4,\)"):
        cosine(np.ones(3, np.float32), np.ones(4, np.float32))


def test_embeddings_of_one_contract_compare_and_of_two_do_not() -> None:
    a, b = (Embedding(row, "one") for row in unit_rows(2, 8, 3))
    assert similarity(a, b) == pytest.approx(cosine_by_hand(a.vector, b.vector), abs=1e-6)
    with pytest.raises(ContractMismatch, match="one and two"):
        similarity(a, Embedding(b.vector, "two"))


@pytest.mark.parametrize("block", [1, 7, 50, 64])
def test_top_k_equals_sorting_everything_whatever_the_block(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    probes, gallery = unit_rows(4, 12, 5), unit_rows(50, 12, 6)
    indices, scores = top_k(probes, gallery, 5)
    assert indices.dtype == np.int64
    for row, probe in enumerate(probes):
        assert indices[row].tolist() == top_k_by_hand(probe, gallery, 5)
        np.testing.assert_allclose(scores[row], gallery[indices[row]] @ probe, atol=1e-6)


def test_of_equal_similarities_the_lower_index_comes_first_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 3)
    probe = np.array([[1, 0]], np.float32)
    indices, _ = top_k(probe, np.repeat(probe, 10, axis=0), 4)
    assert indices.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize("block", [1, 5, 64])
def test_top_k_searches_the_given_rows_and_names_them(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    probes, gallery, numbers = unit_rows(3, 12, 5), unit_rows(40, 12, 6), np.arange(40)[::-1] * 10
    rows = np.array([0, 3, 17, 18, 30, 39])
    found, scores = top_k(probes, gallery, 4, numbers=numbers, rows=rows)
    for row, probe in enumerate(probes):
        expected = rows[top_k_by_hand(probe, gallery[rows], 4)]
        assert found[row].tolist() == numbers[expected].tolist()
        np.testing.assert_allclose(scores[row], gallery[expected] @ probe, atol=1e-6)


def test_equal_rows_are_ordered_by_their_numbers_whatever_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 3)
    gallery = np.repeat(unit_rows(1, 512, 1), 10, axis=0)
    numbers = np.array([5, 8, 2, 9, 1, 7, 3, 0, 6, 4])
    found, scores = top_k(unit_rows(2, 512, 2), gallery, 6, numbers=numbers)
    assert found.tolist() == [[0, 1, 2, 3, 4, 5]] * 2
    assert (scores == scores[:, :1]).all()


@pytest.mark.parametrize("probes_at_once", [1, 3, 64])
def test_a_similarity_does_not_depend_on_who_else_is_asked(
    probes_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes, gallery = unit_rows(7, 512, 5), unit_rows(3000, 512, 6)
    expected = [top_k(probe[np.newaxis], gallery, 5)[1][0].tolist() for probe in probes]
    monkeypatch.setattr(module, "_PROBES", probes_at_once)
    monkeypatch.setattr(module, "_BLOCK", 700)
    assert top_k(probes, gallery, 5)[1].tolist() == expected


def test_the_best_of_some_candidates_are_those_of_a_search() -> None:
    probes, gallery = unit_rows(1, 16, 5), unit_rows(30, 16, 6)
    found, scores = top_k(probes, gallery, 5)
    best = best_of(probes[0], gallery, np.arange(30), 5)
    assert best[0].tolist() == found[0].tolist()
    assert best[1].tolist() == scores[0].tolist()
    assert best_of(probes[0], gallery[:2], np.arange(2), 5)[0].shape == (2,)
    assert best_of(probes[0], gallery[:0], np.arange(0), 5)[0].shape == (0,)


def test_k_is_cut_to_the_gallery_and_an_empty_gallery_gives_nothing() -> None:
    probes = unit_rows(2, 4, 1)
    assert top_k(probes, unit_rows(3, 4, 2), 10)[0].shape == (2, 3)
    assert top_k(probes, np.zeros((0, 4), np.float32), 10)[0].shape == (2, 0)


def test_top_k_says_what_it_expects() -> None:
    with pytest.raises(InputError, match="k is at least 1; got 0"):
        top_k(unit_rows(1, 4, 1), unit_rows(3, 4, 2), 0)
    with pytest.raises(InputError, match=r"\(1, 4\) and \(3, 5\)"):
        top_k(unit_rows(1, 4, 1), unit_rows(3, 5, 2), 1)


@pytest.mark.parametrize(("rows", "pairs"), [(50, 9000), (150, 5000), (500, 9000), (3, 1)])  # by blocks, and one by one
def test_similarities_of_pairs_do_not_depend_on_how_they_are_made(rows: int, pairs: int) -> None:
    embeddings = unit_rows(rows, 8, seed=1)
    first, second = np.random.default_rng(2).integers(0, rows, (2, pairs))
    expected = (embeddings.astype(float) @ embeddings.T.astype(float))[first, second]
    np.testing.assert_allclose(pair_similarities(embeddings, first, second), expected, atol=1e-12)
