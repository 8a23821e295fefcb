from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginface.errors import InputError
from marginface.metrics import sphereface_accuracy, ten_fold_accuracy, threshold_accuracy, whole_set_accuracy
from oracles.scores import accuracies_by_fold, best_thresholds, sphereface_by_fold


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
        ([0.1, 0.2], [True, False], [-1, 1], "none empty"),
        ([], [], [], "F ≥ 2"),
    ],
)
def test_wrong_input_is_refused(similarity: list[float], genuine: list[bool], fold: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ten_fold_accuracy(np.array(similarity), np.array(genuine, dtype=bool), np.array(fold, dtype=np.int64))


values = st.lists(st.tuples(st.integers(-4, 4).map(lambda v: v / 4), st.booleans()), min_size=1, max_size=14)


@given(values, values)
def test_a_threshold_of_any_scale_is_a_best_one_of_the_other_fold(one: list, two: list) -> None:
    scores, genuine = (np.array(column) for column in zip(*one, *two, strict=True))
    fold = np.array([0] * len(one) + [1] * len(two))
    found = threshold_accuracy(scores, genuine.astype(bool), fold)
    for test, train in ((0, two), (1, one)):
        most, _ = best_thresholds([v for v, _ in train], [g for _, g in train])
        assert sum((v >= found.thresholds[test]) == g for v, g in train) == most
    np.testing.assert_array_equal(found.accepted, scores >= found.thresholds[fold])


def test_a_threshold_is_halfway_between_two_scores_and_of_several_best_ones_the_highest() -> None:
    one = [(0.9, True), (0.5, False), (0.3, True), (0.1, False)]  # 0.7 and 0.2 are as good
    nobody, everybody = [(0.8, False), (0.6, False)], [(0.8, True), (0.6, True)]
    for other, threshold in ((nobody, np.nextafter(0.8, 1)), (everybody, 0.6)):
        scores, genuine = zip(*one, *other, strict=True)
        found = threshold_accuracy(np.array(scores), np.array(genuine), np.array([0, 0, 0, 0, 1, 1]))
        assert found.thresholds.tolist() == [threshold, pytest.approx(0.7)]


@given(values)
def test_the_whole_set_is_as_good_as_its_best_threshold(pairs: list) -> None:
    scores, genuine = (list(column) for column in zip(*pairs, strict=True))
    most, _ = best_thresholds(scores, genuine)
    assert whole_set_accuracy(np.array(scores), np.array(genuine)) == pytest.approx(most / len(pairs))


@pytest.mark.parametrize("by_fold", [False, True])
def test_sphereface_is_that_of_loops_over_its_grid(by_fold: bool) -> None:
    rng = np.random.default_rng(3)
    genuine, fold = np.arange(24) % 2 == 0, np.repeat(np.arange(3), 8)
    rows = np.clip(rng.normal(np.where(genuine, 0.5, 0.1), 0.25, (3, 24)), -1, 1).round(1)  # many at a threshold
    rows = rows if by_fold else np.repeat(rows[:1], 3, axis=0)
    found = sphereface_accuracy(rows if by_fold else rows[0], genuine, fold)
    accuracies, thresholds = sphereface_by_fold(rows.tolist(), genuine.tolist(), fold.tolist())
    assert found.folds == pytest.approx(accuracies)
    assert found.thresholds == pytest.approx(thresholds)
    assert found.mean == pytest.approx((found.accepted == genuine).mean())


def test_rows_that_are_not_one_a_fold_are_refused() -> None:
    with pytest.raises(InputError, match="one for each of 2 folds; got 3"):
        sphereface_accuracy(np.zeros((3, 4)), np.array([True, False] * 2), np.array([0, 0, 1, 1]))
