from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from marginface.errors import InputError
from marginface.metrics import CrossedMean, clustered_error, crossed_mean, identity_bootstrap, wilson_interval
from marginface.values import DoubleArray
from oracles.comparison import mean_over_people_and_seeds, shared_variance
from oracles.worlds import world


@given(st.integers(0, 2**32 - 1), st.integers(3, 9), st.integers(1, 4))
def test_the_mean_its_error_and_its_freedom_are_those_of_the_definitions(seed: int, people: int, seeds: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, people, (2, 30))
    first[:2] = 0, 1
    values = rng.integers(-1, 2, (seeds, 30))
    found = crossed_mean(values.astype(float), first, second)
    slow = mean_over_people_and_seeds(values.tolist(), first.tolist(), second.tolist())
    assert found.mean == pytest.approx(slow.mean)
    assert found.error**2 == pytest.approx(slow.variance, rel=1e-9)
    assert abs(found.freedom - slow.freedom) < 1e-9


def test_the_standard_error_is_the_sum_over_pairs_that_share_a_person() -> None:
    here, rng = world(30, 240, seed=7), np.random.default_rng(8)
    of_person = rng.normal(size=30)
    values = of_person[here.first] + of_person[here.second] + rng.normal(size=240)
    slow = shared_variance(values.tolist(), here.first.tolist(), here.second.tolist()) * 30 / 29
    assert clustered_error(values, here.first, here.second) ** 2 == pytest.approx(slow, rel=1e-12)


def test_the_order_of_a_pair_and_the_names_of_people_do_not_matter() -> None:
    here, rng = world(30, 240), np.random.default_rng(8)
    values, turned = rng.normal(size=240), rng.random(240) < 0.5
    one, two = np.where(turned, here.second, here.first), np.where(turned, here.first, here.second)
    expected = clustered_error(values, here.first, here.second)
    assert clustered_error(values, 7000 - 3 * one, 7000 - 3 * two) == pytest.approx(expected, rel=1e-12)


def test_folds_in_place_of_people_give_the_clustered_error_of_their_sums() -> None:
    fold = np.repeat(np.arange(5), 20)
    values = np.random.default_rng(0).normal(size=100) + fold
    sums = np.array([values[fold == k].sum() - 20 * values.mean() for k in range(5)])
    assert clustered_error(values, fold, fold) ** 2 == pytest.approx((sums**2).sum() / 100**2 * 5 / 4)


def test_the_bootstrap_over_identities_gives_twice_the_variance_where_pairs_share_few_people() -> None:
    here = world(1000, 2000)
    right = np.random.default_rng(3).random(2000) < 0.8
    interval = identity_bootstrap(right, here.first, here.second)
    bootstrap = ((interval.high - interval.low) / (2 * 1.96)) ** 2
    ours = clustered_error(right.astype(float), here.first, here.second) ** 2
    assert ours == pytest.approx(0.8 * 0.2 / 2000, rel=0.1)
    assert 1.6 < bootstrap / ours < 2.6


@pytest.mark.parametrize(("seeds", "worst"), [(2, 0.085), (3, 0.068), (5, 0.062)])
def test_false_alarms_stay_bounded_whatever_share_of_the_variance_people_have(seeds: int, worst: float) -> None:
    """Normal errors and known variances, of which the people have a share: the least favorable one is searched."""
    rng, alarms = np.random.default_rng(seeds), []
    for share in (0.01, 0.02, 0.05, 0.1, 0.3, 0.7):
        of_seeds = (1 - share) * rng.chisquare(seeds - 1, 6000) / (seeds - 1)
        of_people = share * rng.chisquare(59, 6000) / 59
        means = rng.normal(size=6000)
        found = [
            CrossedMean(mean, math.sqrt(people), math.sqrt(seed), 600, seeds, 60).p_value < 0.05
            for mean, people, seed in zip(means, of_people, of_seeds, strict=True)
        ]
        alarms.append(float(np.mean(found)))
    assert 0.04 < max(alarms) < worst
    assert min(alarms) < 0.05


def test_without_its_limit_on_the_freedom_two_seeds_that_agree_by_luck_would_be_believed() -> None:
    lucky = CrossedMean(0.01, 0.004, 0.0, 600, 2, 60)
    assert lucky.freedom == 2
    assert lucky.p_value > 0.1
    assert 2 * stats.t.sf(0.01 / 0.004, 59) < 0.02


@given(st.floats(-0.2, 0.2), st.floats(0.001, 0.1), st.floats(0, 0.1), st.integers(1, 6), st.integers(2, 500))
def test_p_is_below_five_percent_exactly_where_the_interval_leaves_out_zero(
    mean: float, of_people: float, of_seeds: float, seeds: int, people: int
) -> None:
    found = CrossedMean(mean, of_people, of_seeds if seeds > 1 else None, 1000, seeds, people)
    assert found.freedom <= (2 * (seeds - 1) if seeds > 1 else people - 1)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(mean) / found.error, found.freedom), abs=1e-7)
    assert found.interval().to_list() == pytest.approx(list(stats.t.interval(0.95, found.freedom, mean, found.error)))
    if abs(found.p_value - 0.05) > 1e-6:
        assert (found.p_value < 0.05) == (not found.interval().low <= 0 <= found.interval().high)


def test_equal_decisions_are_not_certain_ones() -> None:
    right, ids = np.ones((2, 50), bool), np.arange(50)
    found = crossed_mean(right.astype(float) - right, ids, ids)
    assert found.p_value == 1.0
    low, high = found.interval().to_list()
    assert low < -0.05
    assert high > 0.05


@pytest.mark.parametrize("seeds", [1, 3])
def test_one_decision_that_differs_is_the_smallest_error_and_none_is_a_pair(seeds: int) -> None:
    right, ids = np.zeros((seeds, 70), bool), np.arange(70)
    assert crossed_mean(right, ids, ids).error_of_people == pytest.approx(1 / 70)
    right[0, 3] = True
    assert crossed_mean(right, ids, ids).error_of_people == pytest.approx(1 / (70 * seeds))


def test_an_accuracy_of_independent_pairs_has_wilsons_interval_but_for_students_t() -> None:
    rng, ids = np.random.default_rng(1), np.arange(20_000)
    right = rng.random((1, 20_000)) < 0.98
    found = crossed_mean(right, ids, ids).share_interval()
    usual = wilson_interval(int(right.sum()), 20_000)
    assert found.to_list() == pytest.approx(usual.to_list(), abs=2e-5)


def test_an_accuracy_near_one_keeps_an_interval_inside_the_shares() -> None:
    ids = np.arange(50)
    every, all_but_one = np.ones((1, 50), bool), np.ones((3, 50), bool)
    all_but_one[0, 0] = False
    perfect = crossed_mean(every, ids, ids).share_interval()
    assert perfect.high == 1.0
    assert 0.85 < perfect.low < 0.95, "Student's t for Wilson's z: 50 of 50"
    near = crossed_mean(all_but_one, ids, ids).share_interval()
    assert 0.85 < near.low < 1 - 1 / 150 < near.high <= 1
    opposite = crossed_mean(~every, ids, ids).share_interval()
    assert opposite.to_list() == pytest.approx([1 - perfect.high, 1 - perfect.low])


@pytest.mark.parametrize(("seeds", "people", "seed"), [(1, 0.7, 0.0), (3, 0.3, 0.2), (5, 0.5, 0.3)])
def test_the_interval_of_an_accuracy_covers_other_people_and_other_seeds(
    seeds: int, people: float, seed: float
) -> None:
    here, rng = world(60, 600), np.random.default_rng(5)
    covered, over_seeds_alone = 0, 0
    for _ in range(200):
        right = here.models(rng, seeds, 0.0, people, seed)[0]
        found = crossed_mean(right, here.first, here.second)
        interval, truth = found.share_interval(), here.accuracy(people, seed)
        covered += interval.low <= truth <= interval.high
        over_seeds_alone += _covers(right.mean(axis=1), truth)
    assert covered / 200 > 0.91
    if seeds > 1:
        assert over_seeds_alone < covered, "seeds alone know nothing of other people"


def _covers(accuracies: DoubleArray, truth: float) -> bool:
    if len(accuracies) < 2:
        return False
    error = float(accuracies.std(ddof=1)) / math.sqrt(len(accuracies))
    return bool(abs(accuracies.mean() - truth) <= stats.t.ppf(0.975, len(accuracies) - 1) * error)


def test_what_has_no_error_is_refused() -> None:
    right, ids = np.ones((2, 10), bool), np.arange(10)
    with pytest.raises(InputError, match="10 values, 9 and 10 people"):
        crossed_mean(right, ids[:9], ids)
    with pytest.raises(InputError, match=r"1 different ones\. Of one person nothing follows"):
        crossed_mean(right, 0 * ids, 0 * ids)
    with pytest.raises(InputError, match=r"\(seeds, pairs\).*got shape \(10,\)"):
        crossed_mean(right[0], ids, ids)
    with pytest.raises(InputError, match=r"got shape \(0, 10\)"):
        crossed_mean(right[:0], ids, ids)
