from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_rel

from marginface.errors import InputError
from marginface.metrics import holm, mcnemar, paired_bootstrap, paired_t_p_value
from marginface.values import BoolArray


def outcomes(both: int, only_first: int, only_second: int) -> tuple[BoolArray, BoolArray]:
    first = [True] * both + [True] * only_first + [False] * only_second
    second = [True] * both + [False] * only_first + [True] * only_second
    return np.array(first), np.array(second)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test_of_scipy(only_first: int, only_second: int) -> None:
    found = mcnemar(*outcomes(5, only_first, only_second))
    assert (found.only_first, found.only_second) == (only_first, only_second)
    trials = only_first + only_second
    expected = binomtest(only_first, trials, 0.5).pvalue if trials else 1.0
    assert found.p_value == pytest.approx(expected, rel=1e-9)


def test_mcnemar_stays_exact_for_many_pairs() -> None:
    found = mcnemar(*outcomes(0, 3000, 3400))
    assert found.p_value == pytest.approx(binomtest(3000, 6400, 0.5).pvalue, rel=1e-9)


@given(st.lists(st.integers(-40, 40), min_size=2, max_size=9).filter(lambda values: len(set(values)) > 1))
def test_the_paired_t_test_is_that_of_scipy(steps: list[int]) -> None:
    values = np.array(steps) / 1000
    expected = ttest_rel(values, np.zeros(len(values))).pvalue
    assert paired_t_p_value(values) == pytest.approx(expected, abs=1e-9)


def test_equal_differences_of_two_seeds_show_nothing_below_the_resolution() -> None:
    assert paired_t_p_value([0.01, 0.01], resolution=0.01) > 0.2
    assert paired_t_p_value([0.0, 0.0], resolution=0.01) == 1.0
    assert paired_t_p_value([0.2, 0.2, 0.2], resolution=0.001) < 0.001


def holm_by_steps(p_values: list[float], level: float) -> set[int]:
    """Return which hypotheses the procedure of the paper rejects, walked step by step."""
    rejected: set[int] = set()
    for step, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[index] > level / (len(p_values) - step):
            break
        rejected.add(index)
    return rejected


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.2))
def test_holm_rejects_what_its_procedure_rejects(p_values: list[float], level: float) -> None:
    corrected = holm(p_values)
    near = any(abs(value - level) < 1e-9 for value in corrected)
    assert near or {i for i, value in enumerate(corrected) if value <= level} == holm_by_steps(p_values, level)


def bootstrap_by_loops(difference: list[float], groups: list[int]) -> list[float]:
    rng, names, means = np.random.default_rng(3), sorted(set(groups)), []
    for _ in range(3000):
        drawn = rng.choice(names, size=len(names))
        values = [difference[i] for name in drawn for i in range(len(groups)) if groups[i] == name]
        means.append(sum(values) / len(values))
    return list(np.quantile(means, [0.025, 0.975]))


def test_the_paired_bootstrap_over_folds_agrees_with_loops_up_to_chance() -> None:
    rng = np.random.default_rng(1)
    fold = np.repeat(np.arange(10), 6)
    first, second = rng.random(60) < 0.6, rng.random(60) < 0.8
    ours = paired_bootstrap(first, second, (fold, fold), resamples=6000)
    slow = bootstrap_by_loops((second.astype(float) - first).tolist(), fold.tolist())
    assert ours.to_list() == pytest.approx(slow, abs=0.02)
    swapped = paired_bootstrap(second, first, (fold, fold), resamples=6000)
    assert swapped.to_list() == pytest.approx([-ours.high, -ours.low])


def test_what_is_hard_for_both_cancels() -> None:
    rng = np.random.default_rng(2)
    person = np.repeat(np.arange(30), 20)
    hard = person < 8
    first = ~hard & (rng.random(600) < 0.99)
    second = ~hard
    interval = paired_bootstrap(first, second, (person, person))
    assert interval.high - interval.low < 0.03, "one model alone varies by ± 0.15 over these people"


def simulated(effect: float, rng: np.random.Generator, people: int = 60, each: int = 10) -> tuple[float, bool]:
    """Return McNemar's p and whether 0 is inside the bootstrap interval, for models of equal skill plus an effect."""
    person = np.repeat(np.arange(people), each)
    skill = np.clip(rng.normal(0.85, 0.08, people), 0, 1)[person]
    first, second = (rng.random(people * each) < np.clip(skill + gain, 0, 1) for gain in (0.0, effect))
    interval = paired_bootstrap(first, second, (person, person), resamples=400)
    return mcnemar(first, second).p_value, interval.low <= 0 <= interval.high


def test_the_tests_keep_their_level_when_nothing_differs_and_find_a_planted_difference() -> None:
    rng = np.random.default_rng(7)
    null = [simulated(0.0, rng) for _ in range(200)]
    assert np.mean([p < 0.05 for p, _ in null]) <= 0.08
    assert np.mean([not inside for _, inside in null]) <= 0.10
    planted = [simulated(0.08, rng) for _ in range(40)]
    assert np.mean([p < 0.05 for p, _ in planted]) > 0.8
    assert np.mean([not inside for _, inside in planted]) > 0.8


def test_the_t_test_over_seeds_keeps_its_level_and_finds_a_planted_difference() -> None:
    rng = np.random.default_rng(8)
    null = [paired_t_p_value(rng.normal(0, 0.01, 3)) < 0.05 for _ in range(1000)]
    assert 0.03 < np.mean(null) < 0.07
    assert np.mean([paired_t_p_value(rng.normal(0.05, 0.01, 3)) < 0.05 for _ in range(200)]) > 0.9


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(InputError, match="same pairs"):
        mcnemar(np.ones(2, bool), np.ones(3, bool))
    with pytest.raises(InputError, match="same pairs"):
        mcnemar(np.ones(0, bool), np.ones(0, bool))
    with pytest.raises(InputError, match="2 or more"):
        paired_t_p_value([0.1])
    with pytest.raises(InputError, match="in \\[0, 1\\]"):
        holm([1.5])
