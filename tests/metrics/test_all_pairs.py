"""All pairs in blocks against a list of them."""

from __future__ import annotations

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.metrics import all_pairs, count_similarities, roc, similarity_of
from marginface.metrics.all_pairs import TOP, steps_of
from oracles.faces import drawn_people, every_pair, lowest_threshold_within, near_an_edge


@pytest.fixture(params=[1, 200, 1 << 22])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block of one person, of a few, of all."""
    monkeypatch.setattr(all_pairs, "_BLOCK", request.param)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("photos", [[3, 1, 4, 1, 5], [1, 1], [7, 1, 1, 1, 1, 1], [2] * 20])
def test_every_pair_is_counted_once_in_its_step(photos: list[int]) -> None:
    vectors, people = drawn_people(photos)
    counts = count_similarities(vectors, people * 7 - 3)
    for found, pairs in zip((counts.genuine, counts.impostor), every_pair(vectors, people), strict=True):
        steps = [int((pair.similarity + 1) * 10_000) for pair in pairs]
        slow = np.bincount(steps, minlength=TOP + 2)
        assert found.sum() == len(pairs)
        assert np.abs(np.cumsum(found) - np.cumsum(slow)).max() <= sum(near_an_edge([pair]) for pair in pairs)


@pytest.mark.usefixtures("blocks")
def test_photos_of_two_sets_are_no_pair_and_a_person_in_two_is_two() -> None:
    vectors, people = drawn_people([3, 1, 4, 2, 5, 2], seed=8)
    sets = np.random.default_rng(0).integers(5, 8, len(people))
    counts = count_similarities(vectors, people, sets)
    slow = {"genuine": 0, "impostor": 0}
    for one in np.unique(sets):
        genuine, impostor = every_pair(vectors[sets == one], people[sets == one])
        slow["genuine"] += len(genuine)
        slow["impostor"] += len(impostor)
        assert counts.impostor.sum() >= len(impostor)
    assert (counts.genuine_pairs, counts.impostor_pairs) == (slow["genuine"], slow["impostor"])
    with pytest.raises(InputError, match="needed; got 6 in 6 sets, one in each"):
        count_similarities(vectors, people, people)


def test_a_threshold_is_the_lowest_step_that_keeps_the_rate() -> None:
    vectors, people = drawn_people([3, 2, 1] * 3, seed=1)
    _, impostor = every_pair(vectors, people)
    counts = count_similarities(vectors, people)
    for fmr in (0.5, 0.1, 0.03, 0.01, 1 / len(impostor), 1e-9):
        assert similarity_of(counts.step_at(fmr)) == pytest.approx(lowest_threshold_within(impostor, fmr), abs=1.5e-4)
        assert counts.false_matches[counts.step_at(fmr)] <= fmr * len(impostor) + 1e-9


def test_opposite_and_equal_photos_are_in_the_first_and_last_step() -> None:
    vectors = np.array([[1, 0], [1, 0], [-1, 0], [-1, 0]], np.float32)
    counts = count_similarities(vectors, np.array([0, 0, 1, 2]))
    assert (counts.genuine[TOP], counts.impostor[0], counts.impostor[TOP]) == (1, 4, 1)
    assert counts.false_matches[TOP + 1] == 0
    assert counts.step_at(0.1) == TOP + 1, "a tenth of 5 pairs is none, and one has similarity 1"
    assert steps_of(np.float32([1 + 1e-6, -1 - 1e-6])).tolist() == [TOP, 0]


def test_the_curve_is_that_of_the_listed_similarities() -> None:
    vectors, people = drawn_people([4] * 8, seed=2)
    genuine, impostor = every_pair(vectors, people)
    exact = roc([pair.similarity for pair in genuine], [pair.similarity for pair in impostor])
    counted = count_similarities(vectors, people).roc()
    assert (counted.far[0], counted.tar[0], counted.far[-1], counted.tar[-1]) == (0, 0, 1, 1)
    at = np.searchsorted(-exact.thresholds, -counted.thresholds[1:-1] + 1e-7, side="right") - 1
    np.testing.assert_allclose(exact.far[at], counted.far[1:-1], atol=2.5 / len(impostor))
    np.testing.assert_allclose(exact.tar[at], counted.tar[1:-1], atol=2.5 / len(genuine))


@pytest.mark.parametrize(
    ("vectors", "people", "message"),
    [
        (np.eye(3), np.zeros(2, int), r"got \(3, 3\), \(2,\) and \(2,\)"),
        (2 * np.eye(3), np.arange(3), "unit rows; got norms 2.000"),
        (1.002 * np.eye(3), np.arange(3), "unit rows; got norms 1.002"),
        (np.eye(3), np.zeros(3, int), "photos of two or more are needed; got 1"),
        (np.empty((0, 3)), np.empty(0, int), "needed; got 0"),
    ],
)
def test_what_cannot_be_compared_is_refused(vectors: np.ndarray, people: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        count_similarities(vectors.astype(np.float32), people)


def test_copies_are_at_the_top_whatever_float32_makes_of_them() -> None:
    similarities = np.array([1.0000001, 1, 0.99999994, 0.999998, 0.99985], np.float32)
    assert steps_of(similarities).tolist() == [TOP, TOP, TOP, TOP, TOP - 2]
