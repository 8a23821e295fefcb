"""What embeddings say about labels, against a slow version of the formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marginface.data.audit import likeness
from marginface.data.audit.likeness import (
    alike_identities,
    alike_images,
    has_embedding,
    nearest_identities,
    own_similarities,
    sum_identities,
)
from marginface.data.audit.thresholds import measure_thresholds
from marginface.errors import InputError
from oracles.audits import people


def template(vectors: Any) -> Any:
    total = np.asarray(vectors, np.float64).sum(axis=0)
    return total / np.linalg.norm(total)


@pytest.fixture(params=[16, 1 << 24])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "BLOCK", request.param)


@pytest.mark.usefixtures("blocks")
def test_neighbors_are_those_of_the_formula() -> None:
    vectors, labels = people([3, 1, 4, 2])
    vectors[4] = 0  # an image of identity 2 without embedding
    sums = sum_identities(vectors, labels, 4)
    found = nearest_identities(vectors, labels, sums, k=2)
    for i, label in enumerate(labels):
        if i == 4:
            assert np.isnan(found.own[i])
            assert found.labels[i].tolist() == [-1, -1]
            continue
        rest = [j for j in np.flatnonzero(labels == label) if j not in (i, 4)]
        expected = float(vectors[i] @ template(vectors[rest])) if rest else np.nan
        np.testing.assert_allclose(found.own[i], expected, atol=1e-5)
        others = {j: float(vectors[i] @ template(vectors[labels == j])) for j in range(4) if j != label}
        ranked = sorted(others, key=lambda j: -others[j])[:2]
        assert found.labels[i].tolist() == ranked
        np.testing.assert_allclose(found.similarities[i], [others[j] for j in ranked], atol=1e-5)


def test_sums_of_shards_add_up_and_neighbors_of_shards_join() -> None:
    vectors, labels = people([3, 2, 4])
    whole = sum_identities(vectors, labels, 3)
    parts = [sum_identities(vectors[part], labels[part], 3) for part in (slice(0, 4), slice(4, 9))]
    joined = parts[0] + parts[1]
    np.testing.assert_allclose(joined.sums, whole.sums, atol=1e-5)
    assert joined.counts.tolist() == [3, 2, 4]
    apart = [nearest_identities(vectors[part], labels[part], joined) for part in (slice(0, 4), slice(4, 9))]
    np.testing.assert_allclose(
        likeness.Neighbors.joined(apart).own, nearest_identities(vectors, labels, whole).own, atol=1e-5
    )


@pytest.mark.usefixtures("blocks")
def test_alike_identities_are_those_of_the_formula() -> None:
    vectors, labels = people([3, 2, 4, 1])
    others, other_labels = people([2, 2, 3], seed=5)
    others[:2] = vectors[:2]  # identity 0 there is identity 0 here
    first, second = sum_identities(vectors, labels, 4), sum_identities(others, other_labels, 4)  # 3 has no image there
    found = alike_identities(first, second, 0.2)
    expected = {}
    for i in range(4):
        for j in range(3):
            value = float(template(vectors[labels == i]) @ template(others[other_labels == j]))
            if value >= 0.2:
                expected[i, j] = value
    assert {(i, j) for i, j, _ in found} == expected.keys()
    assert found[0][:2] == (0, 0)
    assert all(abs(value - expected[i, j]) < 1e-5 for i, j, value in found)


def test_alike_images_are_found_where_their_identities_are_near() -> None:
    vectors, labels = people([3, 3, 3])
    vectors[7] = vectors[1]
    vectors[8] = vectors[1]
    sums = sum_identities(vectors, labels, 3)
    found = alike_images(vectors, labels, nearest_identities(vectors, labels, sums), 0.95, worth=0.0)
    assert [(i, j) for i, j, _ in found] == [(1, 7), (1, 8)]


def test_half_precision_and_zero_rows_are_taken() -> None:
    vectors, labels = people([3, 3])
    vectors[0] = 0
    assert has_embedding(vectors.astype(np.float16)).tolist() == [False] + [True] * 5
    wide, half = (sum_identities(given, labels, 2) for given in (vectors, vectors.astype(np.float16)))
    assert wide.counts.tolist() == half.counts.tolist() == [2, 3]
    own = own_similarities(vectors.astype(np.float16), labels, half)
    np.testing.assert_allclose(own[1:], own_similarities(vectors, labels, wide)[1:], atol=2e-3)


def test_a_threshold_is_the_least_that_keeps_its_rate() -> None:
    vectors, labels = people([1] * 120, size=8)
    similar = np.sort((vectors @ vectors.T)[np.triu_indices(120, 1)])
    (found,) = measure_thresholds(vectors, labels, (0.01,))
    assert found.impostor_pairs == len(similar) == 7140
    assert np.mean(similar >= found.similarity) <= 0.01 < np.mean(similar >= found.similarity - 2e-4)
    assert "120 images of 120 identities" in found.data


def test_a_rate_that_the_pairs_do_not_support_becomes_the_least_that_they_do() -> None:
    vectors, labels = people([2] * 20)
    (found,) = measure_thresholds(vectors, labels, (1e-6,))
    assert found.impostor_pairs == 40 * 38 // 2
    assert found.fmr == pytest.approx(10 / 760)


def test_a_threshold_needs_two_identities() -> None:
    vectors, labels = people([5])
    with pytest.raises(InputError, match="two identities or more"):
        measure_thresholds(vectors, labels, (0.01,))
