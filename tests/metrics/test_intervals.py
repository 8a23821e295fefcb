from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from marginface.errors import InputError
from marginface.metrics import identity_bootstrap, smallest_rate, student_t_interval, trials_needed, wilson_interval
from marginface.metrics.intervals import mean_over_people, percentile_interval, student_t_inside, student_t_quantile


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_wilson_gives_the_published_values(successes: int, trials: int, low: float, high: float) -> None:
    # 81 of 263 is the example of Newcombe (1998), method 3
    interval = wilson_interval(successes, trials)
    assert interval.to_list() == pytest.approx([low, high], abs=5e-5)


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_ends_of_wilson_solve_its_equation(counts: tuple[int, int]) -> None:
    successes, trials = counts
    share, interval = successes / trials, wilson_interval(*counts)
    assert 0 <= interval.low <= share <= interval.high <= 1
    for end in interval.to_list():
        if 0 < end < 1:
            assert abs(share - end) == pytest.approx(1.959964 * np.sqrt(end * (1 - end) / trials), rel=1e-5)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.7062), (2, 4.3027), (4, 2.7764), (5, 2.5706), (9, 2.2622), (30, 2.0423)]
)
def test_student_t_uses_the_tabled_quantile(freedom: int, quantile: float) -> None:
    values = np.random.default_rng(0).normal(size=freedom + 1)
    interval = student_t_interval(values)
    half = quantile * values.std(ddof=1) / np.sqrt(freedom + 1)
    assert interval.to_list() == pytest.approx([values.mean() - half, values.mean() + half], rel=1e-4)


@pytest.mark.parametrize("freedom", [1, 2, 3, 8, 41, 300, 10_000])
def test_student_t_is_scipys(freedom: int) -> None:
    for t in (0.0, 0.3, 1.7, 6.0):
        assert student_t_inside(t, freedom) == pytest.approx(1 - 2 * float(stats.t.sf(t, freedom)), abs=1e-10)


@pytest.mark.parametrize("freedom", [1, 2, 3, 8, 41, 200, 201, 300, 10_000, 10**9])
def test_the_quantile_of_student_t_is_scipys(freedom: int) -> None:
    for probability in (0.6, 0.95, 0.975, 0.9995, 0.999999):
        expected = float(stats.t.ppf(probability, freedom))
        assert student_t_quantile(probability, freedom) == pytest.approx(expected, rel=1e-8)


def bootstrap_by_loops(correct: list[bool], first: list[int], second: list[int], resamples: int) -> list[float]:
    rng, names = np.random.default_rng(1), sorted({*first, *second})
    shares = []
    for _ in range(resamples):
        drawn = list(rng.choice(names, size=len(names)))
        right = total = 0
        for outcome, a, b in zip(correct, first, second, strict=True):
            weight = drawn.count(a) if a == b else drawn.count(a) * drawn.count(b)
            right, total = right + weight * outcome, total + weight
        if total:
            shares.append(right / total)
    return list(np.quantile(shares, [0.025, 0.975]))


def test_the_identity_bootstrap_agrees_with_loops_up_to_chance() -> None:
    rng = np.random.default_rng(5)
    first = np.repeat(np.arange(12), 4)
    second = np.where(np.arange(48) % 2 == 0, first, (first + 1 + np.arange(48) % 5) % 12)
    correct = rng.random(48) < 0.7
    ours = identity_bootstrap(correct, first, second, resamples=4000)
    slow = bootstrap_by_loops(correct.tolist(), first.tolist(), second.tolist(), 2000)
    assert ours.to_list() == pytest.approx(slow, abs=0.025)


def test_errors_of_one_person_widen_the_bootstrap_beyond_wilson() -> None:
    identity = np.repeat(np.arange(20), 50)
    correct = identity != 0  # every pair of one person is wrong
    clustered = identity_bootstrap(correct, identity, identity)
    naive = wilson_interval(int(correct.sum()), len(correct))
    assert clustered.high - clustered.low > 3 * (naive.high - naive.low)
    assert clustered == identity_bootstrap(correct, identity, identity), "the seed fixes the resamples"


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(InputError, match="successes"):
        wilson_interval(3, 2)
    with pytest.raises(InputError, match="trials"):
        wilson_interval(0, 0)
    with pytest.raises(InputError, match="2 or more"):
        student_t_interval([0.9])
    with pytest.raises(InputError, match=r"above ½ and below 1; got 1\.0"):
        student_t_quantile(1.0, 3)
    with pytest.raises(InputError, match="per pair"):
        identity_bootstrap(np.ones(2, bool), np.zeros(2, np.int64), np.zeros(1, np.int64))
    with pytest.raises(InputError, match=r"per pair are needed; got lengths \[0\]"):
        identity_bootstrap(np.empty(0, bool), np.empty(0, np.int64), np.empty(0, np.int64))
    with pytest.raises(InputError, match=r"above ½ and below 1; got 0\.5"):
        student_t_quantile(0.5, 3)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.95, 95, math.nan])
def test_a_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(InputError, match="confidence is a share between 0 and 1"):
        wilson_interval(1, 2, confidence=confidence)


@given(st.integers(30, 10**9))
def test_by_the_rule_of_three_no_error_is_as_rare_as_5_percent(trials: int) -> None:
    rate = smallest_rate(trials)
    assert 0.04 < (1 - rate) ** trials <= 0.05, "e⁻³ is 0.0498"
    assert trials_needed(rate) == trials


def test_sums_over_people_give_the_interval_of_their_trials() -> None:
    """Trials of one person each, listed: the bootstrap over identities draws the same people."""
    rng = np.random.default_rng(4)
    owner = np.sort(rng.integers(0, 12, 90))
    hits = rng.random(90) < np.linspace(0.2, 0.9, 12)[owner]
    listed = identity_bootstrap(hits, owner, owner, seed=7)
    summed = mean_over_people(np.bincount(owner, hits), np.bincount(owner), seed=7)
    assert summed.to_list() == pytest.approx(listed.to_list())
    values = mean_over_people(np.bincount(owner, 0.5 * hits), np.bincount(owner), seed=7)
    assert values.to_list() == pytest.approx([end / 2 for end in listed.to_list()])


def test_people_without_a_trial_count_for_nothing() -> None:
    interval = mean_over_people(np.array([2, 0, 6]), np.array([4, 0, 6]))
    assert interval.to_list() == pytest.approx([0.5, 1])


def test_people_who_all_have_one_value_are_so_many_trials_of_it() -> None:
    """Every resample of no error has none: the quantiles of the resamples would be 1 and 1."""
    everybody = np.full(50, 4)
    for interval in (
        mean_over_people(everybody, everybody),
        identity_bootstrap(np.ones(200, dtype=bool), *2 * [np.repeat(np.arange(50), 4)]),
    ):
        assert interval.to_list() == wilson_interval(50, 50).to_list()
    with pytest.raises(InputError, match="resamples and people are needed"):
        percentile_interval(np.full(3, np.nan), 5)


def test_no_trial_is_refused() -> None:
    with pytest.raises(InputError, match="a sum and a number of trials per person"):
        mean_over_people(np.zeros(3), np.zeros(3, dtype=np.int64))
    with pytest.raises(InputError, match="got 3 and 2"):
        mean_over_people(np.zeros(3), np.ones(2, dtype=np.int64))


def test_blocks_of_resamples_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, 200), rng.integers(0, 9, 200)
    correct = rng.random(200) < 0.8
    whole = identity_bootstrap(correct, a, b, resamples=90)
    monkeypatch.setattr("marginface.metrics.intervals._WEIGHTS", 700)
    assert identity_bootstrap(correct, a, b, resamples=90).to_list() == pytest.approx(whole.to_list())
