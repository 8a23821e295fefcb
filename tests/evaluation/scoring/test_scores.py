from __future__ import annotations

import json

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.evaluation import score_pairs
from marginface.evaluation.scoring.scores import score_similarities
from marginface.metrics import PeopleOfPairs, tar_intervals, ten_fold_accuracy
from oracles.scores import accuracies_by_fold, area_by_counting, best_tar_within


def unit_rows(count: int, size: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def drawn_protocol(seed: int = 0) -> tuple[np.ndarray, ...]:
    """Twelve identities of four images around a center each, 120 pairs in 6 folds."""
    rng = np.random.default_rng(seed)
    identities = np.repeat(np.arange(12), 4)
    rows = unit_rows(12, 16)[identities] + 1.0 * unit_rows(48, 16, seed=1)
    embeddings = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    first = rng.integers(0, 48, 120)
    second = np.where(
        np.arange(120) % 2 == 0, first // 4 * 4 + (first + 1) % 4, (first + 4 * rng.integers(1, 12, 120)) % 48
    )
    return embeddings, first, second, identities[first] == identities[second], np.arange(120) % 6, identities


def test_every_number_equals_its_slow_oracle() -> None:
    embeddings, first, second, genuine, fold, identities = drawn_protocol()
    scores = score_pairs(embeddings, first, second, genuine, fold, identities=identities)
    a, b = embeddings[first].astype(float), embeddings[second].astype(float)
    accuracies, _ = accuracies_by_fold(a.tolist(), b.tolist(), genuine.tolist(), fold.tolist())
    similarity = [float(np.dot(x, y)) for x, y in zip(a, b, strict=True)]
    same = [value for value, is_same in zip(similarity, genuine, strict=True) if is_same]
    different = [value for value, is_same in zip(similarity, genuine, strict=True) if not is_same]
    values = scores.to_dict()
    assert values["accuracy_mean"] == pytest.approx(np.mean(accuracies))
    assert values["accuracy_std"] == pytest.approx(np.std(accuracies))
    assert values["auc"] == pytest.approx(area_by_counting(same, different))
    assert [point["far"] for point in values["tar_at_far"]] == [0.1], "60 impostor pairs support no FAR below 0.1"
    assert values["tar_at_far"][0]["tar"] == pytest.approx(best_tar_within(same, different, 0.1))
    assert 0.5 < values["accuracy_mean"] < 1, "a protocol without errors would prove little"
    assert json.loads(json.dumps(values)) == values


def test_both_intervals_hold_the_accuracy() -> None:
    *arrays, identities = drawn_protocol()
    scores = score_pairs(*arrays, identities=identities)
    for interval in (scores.accuracy_interval, scores.identity_interval):
        assert interval is not None
        assert interval.low < scores.accuracy.mean < interval.high
    assert score_pairs(*arrays).identity_interval is None


def test_a_tar_has_an_interval_over_people_too_whose_threshold_is_drawn() -> None:
    *arrays, identities = drawn_protocol()
    scores = score_pairs(*arrays, identities=identities)
    _, first, second, genuine, _ = arrays
    people = PeopleOfPairs.of(identities[first], identities[second], genuine)
    same, different = scores.similarities[genuine], scores.similarities[~genuine]
    (point,) = json.loads(json.dumps(scores.to_dict()))["tar_at_far"]
    (expected,) = tar_intervals(same, different, people, [0.1])
    assert point["interval_identities"] == expected.to_list()
    assert "interval_identities" not in score_pairs(*arrays).to_dict()["tar_at_far"][0]


def test_an_asked_far_that_is_not_supported_is_an_error_and_a_usual_one_is_left_out() -> None:
    *_, genuine, fold, _ = drawn_protocol()
    similarities = np.where(genuine, 0.8, 0.1)
    accuracy = ten_fold_accuracy(similarities, genuine, fold)
    assert [point.far for point in score_similarities(similarities, genuine, accuracy).tar_at_far] == [0.1]
    with pytest.raises(InputError, match="cannot support FAR 1e-3"):
        score_similarities(similarities, genuine, accuracy, fars=[1e-3])


def test_a_protocol_of_one_kind_and_rows_that_are_not_unit_are_refused() -> None:
    embeddings, first, second, genuine, fold, _ = drawn_protocol()
    with pytest.raises(InputError, match="one kind"):
        score_pairs(embeddings, first, second, np.ones_like(genuine), fold)
    with pytest.raises(InputError, match="unit rows"):
        score_pairs(embeddings * 2, first, second, genuine, fold)
