"""Errors of all pairs and their bounds, against lists of pairs and the definition of the variance."""

from __future__ import annotations

import numpy as np
import pytest

from marginface.metrics import all_pairs, clustered_error, count_similarities, error_rates, similarity_of
from marginface.metrics.all_pairs import TOP
from marginface.metrics.crossed import CrossedMean
from marginface.values import DoubleArray
from oracles.comparison import shared_variance
from oracles.faces import Listed, drawn_people, every_pair

STEPS = [11_000, 13_000, 15_000, 17_500, 19_000]


def errors(pairs: list[Listed], step: int, *, accepted: bool) -> DoubleArray:
    return np.array([float((pair.similarity >= similarity_of(step)) == accepted) for pair in pairs])


@pytest.mark.parametrize("block", [1, 150, 1 << 22])
@pytest.mark.parametrize("sets", [1, 3])
@pytest.mark.parametrize("photos", [[3, 1, 4, 2], [2] * 9])
def test_rates_and_bounds_are_those_of_the_listed_pairs(
    photos: list[int], sets: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_pairs, "_BLOCK", block)
    vectors, people = drawn_people(photos, seed=3)
    where = np.random.default_rng(1).integers(sets, size=len(people))
    listed = [every_pair(vectors[where == one], people[where == one] + 100 * one) for one in range(sets)]
    genuine, impostor = ([pair for part in listed for pair in part[kind]] for kind in (0, 1))
    found = error_rates(vectors, people, STEPS, where if sets > 1 else None)
    for kind, rates, pairs, accepted in (("fmr", found.fmr, impostor, True), ("fnmr", found.fnmr, genuine, False)):
        for step, rate in zip(STEPS, rates, strict=True):
            wrong = errors(pairs, step, accepted=accepted)
            assert (rate.errors, rate.trials) == (wrong.sum(), len(pairs)), (kind, step)
            one, two = [pair.first for pair in pairs], [pair.second for pair in pairs]
            count = len({*one, *two})
            if not 0 < wrong.mean() < 1 or count < 2:
                continue
            independent = wrong.var() * len(wrong) / (len(wrong) - 1)
            slow = max(shared_variance(wrong.tolist(), one, two) * count / (count - 1), independent / len(wrong))
            assert clustered_error(wrong, np.array(one), np.array(two)) == pytest.approx(slow**0.5)
            expected = CrossedMean(wrong.mean(), slow**0.5, None, len(pairs), 1, count).share_interval()
            assert rate.interval.to_list() == pytest.approx(expected.to_list(), rel=1e-9)


def test_without_an_error_people_and_couples_are_the_trials() -> None:
    vectors = np.eye(8, dtype=np.float32).repeat(4, axis=0)  # everybody alike to oneself, unlike to all others
    found = error_rates(vectors, np.arange(8).repeat(4), [15_000])
    (fmr,), (fnmr,) = found.fmr, found.fnmr
    assert (fmr.errors, fmr.trials, fnmr.errors, fnmr.trials) == (0, 28 * 16, 0, 8 * 6)
    t = 2.3646  # of 7 degrees of freedom
    assert fmr.interval.to_list() == pytest.approx([0, t**2 / (28 + t**2)], rel=1e-4)
    assert fnmr.interval.to_list() == pytest.approx([0, t**2 / (8 + t**2)], rel=1e-4)


def test_a_rate_without_an_error_is_no_less_sure_than_one_that_cannot_be_smaller() -> None:
    vectors, people = drawn_people([3] * 30, seed=3)
    lax, strict = error_rates(vectors, people, [18_800, 20_001]).fmr
    assert lax.errors > 0 == strict.errors
    assert strict.interval.high == lax.interval.high < error_rates(vectors, people, [20_001]).fmr[0].interval.high
    lax, strict = error_rates(vectors, people, [1, 16_000]).fnmr
    assert lax.errors == 0 < strict.errors
    assert lax.interval.high == strict.interval.high < error_rates(vectors, people, [1]).fnmr[0].interval.high


def test_of_one_person_with_two_photos_nothing_follows_and_of_none_nothing_is_said() -> None:
    vectors, people = drawn_people([2, 1, 1])
    (fnmr,) = error_rates(vectors, people, [19_999]).fnmr
    assert fnmr.interval.to_list() == [0, 1]
    vectors, people = drawn_people([1, 1, 1])
    assert error_rates(vectors, people, [15_000]).fnmr == ()


def test_the_bounds_hold_the_true_rate_about_as_often_as_they_say() -> None:
    """The threshold is set on the same pairs, as a calibration does; people look like others of their kind."""
    many, of_many = drawn_people([1] * 3000, seed=999)  # nobody of these is in a sample: who they are is drawn anew
    truth = count_similarities(many, of_many)
    held = narrow = 0
    for seed in range(150):
        vectors, people = sample(seed)
        counts = count_similarities(vectors, people)
        step = counts.step_at(0.02)
        (rate,) = error_rates(vectors, people, [step]).fmr
        true = truth.false_matches[step] / truth.impostor_pairs
        held += rate.interval.low <= true <= rate.interval.high
        half = 1.96 * (rate.share * (1 - rate.share) / rate.trials) ** 0.5
        narrow += rate.share - half <= true <= rate.share + half
    assert held >= 133  # 142 are expected; at a coverage of 0.93 below this has probability 0.02
    assert narrow < 100, "as if pairs were independent, the bounds would hold far too seldom"


def sample(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Photos of 50 people out of the world of seed 999: the kinds are those of the many."""
    rng = np.random.default_rng(999)
    middles = rng.normal(size=(3, 8))
    rng = np.random.default_rng(seed)
    faces = middles[rng.integers(3, size=50)] + 1.2 * rng.normal(size=(50, 8))
    people = np.arange(50).repeat(3)
    vectors = faces[people] / np.linalg.norm(faces[people], axis=1, keepdims=True)
    vectors = vectors + 0.5 / np.sqrt(8) * rng.normal(size=vectors.shape)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), people


def test_what_is_counted_as_a_copy_is_an_error_at_the_top_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest float32 that is counted at the top: 1e-5 below it, and a rounding."""
    monkeypatch.setattr(all_pairs, "_BLOCK", 1)  # each row a block of its own
    similar = np.nextafter(np.float32(0.99999), np.float32(0))
    rows = np.array([[1, 0], [similar, np.sqrt(1 - float(similar) ** 2)]], np.float32)
    people = np.arange(2)
    assert count_similarities(rows, people).false_matches[TOP] == 1
    assert error_rates(rows, people, [TOP]).fmr[0].errors == 1
