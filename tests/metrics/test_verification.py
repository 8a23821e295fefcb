from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginface.errors import InputError
from marginface.metrics import ten_fold_accuracy
from oracles.scores import accuracies_by_fold


@given(seed=st.integers(0, 2**32 - 1), folds=st.integers(2, 5))
@settings(max_examples=15, deadline=None)
def test_accuracy_equals_the_slow_oracle_fold_by_fold(seed: int, folds: int) -> None:
    rng = np.random.default_rng(seed)
    fold = np.concatenate([np.arange(folds), rng.integers(0, folds, 20)])
    genuine = rng.random(len(fold)) < 0.5
    vectors = rng.normal(size=(2, len(fold), 6))
    vectors[1] += 1.2 * genuine[:, None] * vectors[0]
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    result = ten_fold_accuracy((vectors[0] * vectors[1]).sum(axis=1), genuine, fold)
    accuracies, thresholds = accuracies_by_fold(
        vectors[0].tolist(), vectors[1].tolist(), genuine.tolist(), fold.tolist()
    )
    np.testing.assert_allclose(result.folds, accuracies)
    np.testing.assert_allclose(2 - 2 * result.thresholds, thresholds, atol=1e-12)
    assert result.mean == pytest.approx(np.mean(accuracies))
    assert result.std == pytest.approx(np.std(accuracies))


def test_two_folds_by_hand() -> None:
    similarity = np.array([0.875, 0.1, 0.5, 0.45])  # squared distances 0.25, 1.8, 1.0, 1.1
    genuine = np.array([True, False, True, False])
    result = ten_fold_accuracy(similarity, genuine, np.array([0, 0, 1, 1]))
    # fold 0 is judged by the first threshold that parts 1.0 from 1.1; fold 1 by the first above 0.25: it refuses 1.0
    np.testing.assert_allclose(2 - 2 * result.thresholds, [1.01, 0.26])
    assert result.folds.tolist() == [1.0, 0.5]
    assert (result.mean, result.std) == (0.75, 0.25)
    assert result.accepted.tolist() == [True, False, False, False]


def test_a_distance_equal_to_the_threshold_is_a_different_person() -> None:
    similarity = np.array([1.0, 0.0, 1.0, 0.0])
    result = ten_fold_accuracy(similarity, np.array([True, False] * 2), np.array([0, 0, 1, 1]))
    # at threshold 0 the distance 0 is not below it, so 0.01 is the first that is right
    np.testing.assert_allclose(2 - 2 * result.thresholds, [0.01, 0.01])


def test_a_fold_never_sees_its_own_pairs() -> None:
    rng = np.random.default_rng(3)
    similarity, genuine, fold = rng.uniform(-1, 1, 200), rng.random(200) < 0.5, np.arange(200) % 10
    before = ten_fold_accuracy(similarity, genuine, fold).thresholds[4]
    similarity[fold == 4] = rng.uniform(-1, 1, 20)
    assert ten_fold_accuracy(similarity, genuine, fold).thresholds[4] == before


def test_a_similarity_of_minus_one_is_never_accepted() -> None:
    result = ten_fold_accuracy(np.full(4, -1.0), np.ones(4, bool), np.array([0, 0, 1, 1]))
    assert not result.accepted.any()


@pytest.mark.parametrize(
    ("similarity", "genuine", "fold", "message"),
    [
        ([0.1, 0.2], [True], [0, 1], "one similarity, label and fold"),
        ([0.1, np.nan], [True, False], [0, 1], "1 of 2 are not"),
        ([0.1, 0.2], [True, False], [0, 0], "F ≥ 2"),
        ([0.1, 0.2], [True, False], [0, 2], "none empty"),
        ([0.1, 0.2], [True, False], [1, 2], "none empty"),
        ([], [], [], "F ≥ 2"),
    ],
)
def test_wrong_input_is_refused(similarity: list[float], genuine: list[bool], fold: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ten_fold_accuracy(np.array(similarity), np.array(genuine, dtype=bool), np.array(fold, dtype=np.int64))
