"""The intervals of AUC and EER: against variances written out pair by pair, and in worlds whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from marginface.metrics import PeopleOfPairs, auc, auc_interval, eer_interval, equal_error_rate, wilson_interval

OWN, PAIR, LOOKS = 0.2, 0.1, 0.1  # spreads: of a person's genuine pairs, of a pair, of whom somebody looks like


def world(people: int, seed: int, gap: float = 0.5) -> tuple[np.ndarray, np.ndarray, PeopleOfPairs]:
    """Genuine pairs whose similarity has a part of its person, impostor pairs with a part of both."""
    rng = np.random.default_rng(seed)
    owner = rng.integers(0, people, 3 * people)
    genuine = gap + OWN * rng.normal(size=people)[owner] + PAIR * rng.normal(size=len(owner))
    first = rng.integers(0, people, 20 * people)
    second = (first + rng.integers(1, people, len(first))) % people
    looks = LOOKS * rng.normal(size=people)
    impostor = (looks[first] + looks[second]) / 2 + PAIR * rng.normal(size=len(first))
    return genuine, impostor, PeopleOfPairs(owner, first, second)


def test_the_width_is_that_of_all_pairs_that_share_a_person() -> None:
    genuine, impostor, people = world(9, seed=3, gap=0.2)
    area = auc(genuine, impostor)
    whose = [{a} for a in people.genuine.tolist()]
    whose += [{a, b} for a, b in zip(people.first.tolist(), people.second.tolist(), strict=True)]
    moves = [(np.mean(impostor < value) - area) / len(genuine) for value in genuine]
    moves += [(np.mean(genuine > value) - area) / len(impostor) for value in impostor]
    variance = sum(
        one * other * 9 / 8
        for one, ones in zip(moves, whose, strict=True)
        for other, others in zip(moves, whose, strict=True)
        if ones & others
    )
    interval = auc_interval(genuine, impostor, people)
    freedom = stats.t.ppf(0.975, 8)
    trials = area * (1 - area) / variance
    half = freedom * math.sqrt(area * (1 - area) / trials + freedom**2 / (4 * trials**2)) / (1 + freedom**2 / trials)
    assert interval.high - interval.low == pytest.approx(2 * half)


def test_where_nobody_knows_the_people_the_variance_of_the_auc_is_that_of_delong() -> None:
    genuine, impostor, _ = world(40, seed=5, gap=0.2)
    area = auc(genuine, impostor)
    placed = [np.mean(impostor < value) for value in genuine], [np.mean(genuine > value) for value in impostor]
    variance = sum(np.var(part, ddof=0) / len(part) for part in placed)
    interval = auc_interval(genuine, impostor, None)
    trials = area * (1 - area) / variance
    expected = wilson_interval(round(area * 10**9), 10**9)  # the same formula with other trials
    assert interval.high - interval.low == pytest.approx(
        (expected.high - expected.low) * math.sqrt(10**9 / trials), rel=0.02
    )


@pytest.mark.parametrize(("gap", "least"), [(0.3, 0.88), (0.5, 0.86)])
def test_the_intervals_hold_the_truth_about_as_often_as_they_say(gap: float, least: float) -> None:
    same, different = math.hypot(OWN, PAIR), math.sqrt(PAIR**2 + LOOKS**2 / 2)
    area = stats.norm.cdf(gap / math.hypot(same, different))
    crossing = optimize.brentq(lambda at: stats.norm.sf(at / different) - stats.norm.cdf((at - gap) / same), -1, 1)
    rate = stats.norm.sf(crossing / different)
    held = np.zeros(2)
    for seed in range(100):
        drawn = world(60, seed=100 + seed, gap=gap)
        for number, (interval, truth) in enumerate(((auc_interval(*drawn), area), (eer_interval(*drawn), rate))):
            held[number] += interval.low <= truth <= interval.high
    assert (held / 100 >= least).all(), held


def test_an_eer_lies_in_its_interval_and_people_make_it_wider() -> None:
    genuine, impostor, people = world(80, seed=2)
    alone = eer_interval(genuine, impostor, None)
    together = eer_interval(genuine, impostor, people)
    rate = equal_error_rate(genuine, impostor)
    assert together.low < alone.low < rate < alone.high < together.high


def test_no_error_is_known_as_far_as_there_are_people() -> None:
    genuine, impostor, people = world(80, seed=2)
    apart = genuine + 9
    for interval in (auc_interval(apart, impostor, people), eer_interval(apart, impostor, people)):
        assert 0.03 < interval.high - interval.low < 0.06
    many = auc_interval(apart, impostor, None)
    assert (many.low, many.high) == pytest.approx(wilson_interval(240, 240).to_list(), abs=1e-3)


def test_of_one_person_nothing_follows() -> None:
    genuine, impostor = np.array([0.9, 0.05]), np.array([0.1, 0.2])
    one = PeopleOfPairs(np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64), np.full(2, -1))
    assert auc_interval(genuine, impostor, one).to_list() == [0, 1]
    assert eer_interval(genuine, impostor, one).to_list() == [0, 1]


def test_scores_that_are_all_equal_are_no_better_than_chance() -> None:
    people = world(30, seed=1)[2]
    for interval in (auc_interval(np.ones(90), np.ones(600), people), eer_interval(np.ones(90), np.ones(600), people)):
        assert interval.low < 0.5 < interval.high


def test_a_table_of_couples_that_would_be_too_large_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = world(30, seed=1)
    whole = auc_interval(*drawn)
    monkeypatch.setattr("marginface.metrics.curve_intervals._MOST_COUPLES", 10)
    assert auc_interval(*drawn).to_list() == pytest.approx(whole.to_list())
