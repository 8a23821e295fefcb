from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from marginface.errors import InputError
from marginface.metrics import clustered_error, holm, mcnemar, paired_difference
from oracles.comparison import rejected_by_holm
from oracles.worlds import World, world


def share_found(here: World, seeds: int, gain: float, people: float, seed: float, times: int = 400) -> float:
    """Return how often a difference is shown at the 5 % level."""
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(times):
        ours, theirs = here.models(rng, seeds, gain, people, seed)
        found += paired_difference(ours, theirs, here.first, here.second).p_value < 0.05
    return found / times


LEVEL_CASES = [
    (1, 0.0, 0.0),
    (1, 1.0, 0.0),
    (2, 0.0, 0.3),
    (2, 0.5, 0.15),
    (3, 0.0, 0.2),
    (3, 1.0, 0.3),
    (5, 0.5, 0.3),
    (10, 1.0, 0.4),  # a test over people and one over seeds that must both agree have 12 % here
]


@pytest.mark.parametrize(("seeds", "people", "seed"), LEVEL_CASES)
def test_without_a_difference_one_is_shown_about_one_time_in_twenty(seeds: int, people: float, seed: float) -> None:
    assert share_found(world(60, 600), seeds, 0.0, people, seed) < 0.085


@pytest.mark.parametrize(("seeds", "bound"), [(2, 0.11), (3, 0.09)])
def test_the_worst_is_where_training_is_all_the_chance_there_is(seeds: int, bound: float) -> None:
    assert 0.05 < share_found(world(40, 2000), seeds, 0.0, 0.0, 0.3, times=1500) < bound


@pytest.mark.parametrize(("people", "pairs"), [(12, 240), (300, 2000)])
def test_few_and_many_people_keep_the_level(people: int, pairs: int) -> None:
    assert share_found(world(people, pairs), 3, 0.0, 0.5, 0.2, times=200) < 0.1


@pytest.mark.parametrize(("seeds", "gain", "people", "seed"), [(1, 0.4, 0.2, 0.0), (3, 0.5, 0.2, 0.05)])
def test_a_planted_difference_is_found(seeds: int, gain: float, people: float, seed: float) -> None:
    assert share_found(world(60, 600), seeds, gain, people, seed, times=100) > 0.9


def test_tests_over_pairs_and_over_seeds_alone_cry_wolf_where_this_one_does_not() -> None:
    here, rng = world(60, 600), np.random.default_rng(1)
    over_pairs = over_seeds = crossed = 0
    for _ in range(200):
        ours, theirs = here.models(rng, 5, 0.0, 1.0, 0.02)
        over_pairs += float(stats.ttest_rel(theirs[0].astype(float), ours[0].astype(float)).pvalue) < 0.05
        over_seeds += float(stats.ttest_rel(theirs.mean(axis=1), ours.mean(axis=1)).pvalue) < 0.05
        crossed += paired_difference(ours, theirs, here.first, here.second).p_value < 0.05
    assert over_pairs / 200 > 0.2
    assert over_seeds / 200 > 0.5, "these seeds all saw the same people"
    assert crossed / 200 < 0.085


def test_one_seed_is_the_t_test_over_people_alone() -> None:
    here, rng = world(40, 400), np.random.default_rng(2)
    ours, theirs = here.models(rng, 1, 0.3, 0.5, 0.0)
    found = paired_difference(ours, theirs, here.first, here.second)
    error = clustered_error(theirs[0].astype(float) - ours[0], here.first, here.second)
    assert (found.error_of_seeds, found.people, found.seeds) == (None, 40, 1)
    assert found.mean == pytest.approx(theirs.mean() - ours.mean())
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(found.mean) / error, 39))


def test_many_people_and_few_seeds_is_the_paired_t_test_over_seeds() -> None:
    rng = np.random.default_rng(4)
    lucky = rng.random((4, 1)) * 0.4
    ours, theirs = rng.random((4, 40000)) < 0.5, rng.random((4, 40000)) < 0.5 + lucky
    found = paired_difference(ours, theirs, np.arange(40000), np.arange(40000))
    by_seed = stats.ttest_rel(theirs.mean(axis=1), ours.mean(axis=1))
    assert found.p_value == pytest.approx(float(by_seed.pvalue), rel=0.05)
    assert found.p_value > float(by_seed.pvalue), "the people count too"


def test_what_is_hard_for_both_cancels() -> None:
    rng, person = np.random.default_rng(2), np.repeat(np.arange(30), 20)
    hard = person < 8
    ours, theirs = ~hard & (rng.random((1, 600)) < 0.99), ~hard[None]
    interval = paired_difference(ours, theirs, person, person).interval()
    assert interval.high - interval.low < 0.03, "one model alone varies by ± 0.15 over these people"


def test_the_difference_turns_its_sign_with_the_order() -> None:
    here, rng = world(40, 400), np.random.default_rng(2)
    ours, theirs = here.models(rng, 3, 0.3, 0.5, 0.1)
    there, back = (paired_difference(*two, here.first, here.second) for two in ((ours, theirs), (theirs, ours)))
    assert there.mean == -back.mean > 0
    assert there.p_value == pytest.approx(back.p_value)


def test_equal_models_differ_by_nothing_and_a_perfect_one_by_everything() -> None:
    right, ids = np.ones((2, 1000), bool), np.arange(1000)
    assert paired_difference(right, right, ids, ids).p_value == 1.0
    perfect = paired_difference(~right, right, ids, ids)
    assert perfect.mean == 1.0
    assert perfect.p_value < 1e-5


def test_other_shapes_are_refused() -> None:
    right, ids = np.ones((2, 10), bool), np.arange(10)
    with pytest.raises(InputError, match=r"one shape.*\(2, 10\) and \(1, 10\)"):
        paired_difference(right, right[:1], ids, ids)
    with pytest.raises(InputError, match=r"two arrays \(seeds, pairs\)"):
        paired_difference(right[0], right[0], ids, ids)
    for other in (right, right[0, :9]):
        with pytest.raises(InputError, match=r"the same pairs \(P,\); got"):
            mcnemar(other, right[0] if other.ndim == 1 else other)


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0.001, 0.5))
def test_holm_rejects_what_the_printed_procedure_rejects(p_values: list[float], level: float) -> None:
    corrected = holm(p_values)
    if all(abs(value - level) > 1e-9 for value in corrected):
        assert {k for k, value in enumerate(corrected) if value <= level} == rejected_by_holm(p_values, level)
    assert all(0 <= p <= q <= 1 for p, q in zip(p_values, corrected, strict=True))


def test_holm_gives_its_known_values_and_refuses_what_is_no_probability() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    with pytest.raises(InputError, match="in \\[0, 1\\]"):
        holm([1.5])
    with pytest.raises(InputError, match="in \\[0, 1\\]"):
        holm([0.5, -0.1])
