"""The bootstrap over people against copies of pairs, and its coverage where the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from marginface.errors import InputError
from marginface.metrics import (
    PeopleOfPairs,
    mcnemar,
    resampled_tars,
    tar_at_far,
    tar_intervals,
    wilson_interval,
)
from marginface.metrics.bootstrap import PeopleOfAllPairs, kept_for_resamples
from oracles.resampling import tar_of_copies


def world(people: int, seed: int, *, ties: bool = False) -> tuple[np.ndarray, np.ndarray, PeopleOfPairs]:
    """Genuine pairs whose similarity has a part of its person, impostor pairs of any two."""
    rng = np.random.default_rng(seed)
    owner = rng.integers(0, people, 3 * people)
    genuine = 0.5 + 0.2 * rng.normal(size=people)[owner] + 0.1 * rng.normal(size=len(owner))
    first = rng.integers(0, people, 20 * people)
    second = (first + rng.integers(1, people, len(first))) % people
    impostor = 0.15 * rng.normal(size=len(first))
    if ties:
        genuine, impostor = genuine.round(1), impostor.round(1)
    return genuine, impostor, PeopleOfPairs(owner, first, second)


@pytest.mark.parametrize("ties", [False, True])
def test_a_resample_is_the_protocol_with_copied_pairs(ties: bool) -> None:
    genuine, impostor, people = world(9, seed=1, ties=ties)
    found = resampled_tars(genuine, impostor, people, 0.05, resamples=25, seed=3)
    rng = np.random.default_rng(3)
    same = list(zip(genuine, people.genuine, strict=True))
    different = list(zip(impostor, people.first, people.second, strict=True))
    for tar in found:
        drawn = rng.multinomial(people.count, np.full(people.count, 1 / people.count))
        expected = tar_of_copies(same, different, drawn.tolist(), 0.05)
        assert (math.isnan(tar) and expected is None) or tar == pytest.approx(expected)


@pytest.mark.parametrize("ties", [False, True])
def test_a_resample_has_the_rule_of_the_point_that_it_is_the_interval_of(ties: bool) -> None:
    genuine, impostor, people = world(9, seed=1, ties=ties)
    found = resampled_tars(genuine, impostor, people, 0.13, "nearest", resamples=25, seed=3)
    rng = np.random.default_rng(3)
    for tar in found:
        drawn = rng.multinomial(people.count, np.full(people.count, 1 / people.count))
        same = np.repeat(genuine, drawn[people.genuine])
        different = np.repeat(impostor, drawn[people.first] * drawn[people.second])
        assert tar == pytest.approx(tar_at_far(same, different, 0.13, "nearest").tar)


def test_an_interval_of_no_error_is_that_of_so_many_people_and_not_a_point() -> None:
    _, impostor, people = world(60, seed=1)
    (interval,) = tar_intervals(np.full(180, 2.0), impostor, people, [0.1], resamples=50)
    count = len(set(people.genuine.tolist()))
    assert interval.to_list() == wilson_interval(count, count).to_list()


def test_keeping_only_the_most_similar_impostor_pairs_changes_nothing() -> None:
    genuine, impostor, people = world(400, seed=2)  # 8,000 impostor pairs: 1,320 are kept
    kept = resampled_tars(genuine, impostor, people, 0.01, resamples=20)
    rng = np.random.default_rng(0)
    for tar in kept:
        weight = rng.multinomial(people.count, np.full(people.count, 1 / people.count))
        of_pairs = weight[people.first] * weight[people.second]
        order = np.argsort(-impostor)
        beyond = np.flatnonzero(np.cumsum(of_pairs[order]) > 0.01 * of_pairs.sum() + 1e-9)[0]
        owner = weight[people.genuine]
        assert tar == pytest.approx(owner[genuine > impostor[order[beyond]]].sum() / owner.sum())


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    limit, impostors_above = 0.15 * 1.2815515655446004, 0.1  # FAR 0.1 of N(0, 0.15²)
    spread = math.hypot(0.2, 0.1)
    truth = 0.5 * math.erfc((limit - 0.5) / spread / math.sqrt(2))
    held = 0
    for seed in range(60):
        genuine, impostor, people = world(60, seed=100 + seed)
        (interval,) = tar_intervals(genuine, impostor, people, [impostors_above], resamples=200, seed=seed)
        held += interval.low <= truth <= interval.high
    assert held >= 50  # 57 are expected; 49 or fewer has probability 0.001 at a coverage of 0.93


def test_a_second_person_that_is_not_known_is_always_there() -> None:
    genuine, impostor, people = world(9, seed=1)
    alone = PeopleOfPairs(people.genuine, people.first, np.full(len(people.first), -1))
    found = resampled_tars(genuine, impostor, alone, 0.05, resamples=10, seed=3)
    rng = np.random.default_rng(3)
    same = list(zip(genuine, people.genuine, strict=True))
    different = [(value, person, 9) for value, person in zip(impostor, people.first, strict=True)]
    for tar in found:
        drawn = rng.multinomial(9, np.full(9, 1 / 9)).tolist()
        assert tar == pytest.approx(tar_of_copies(same, different, [*drawn, 1], 0.05))


def test_equal_seeds_draw_the_same_people_for_two_models() -> None:
    genuine, impostor, people = world(30, seed=5)
    one = resampled_tars(genuine, impostor, people, 0.1, resamples=50, seed=7)
    other = resampled_tars(2 * genuine + 1, 2 * impostor + 1, people, 0.1, resamples=50, seed=7)
    np.testing.assert_array_equal(one, other)


def test_people_that_do_not_fit_the_pairs_are_refused() -> None:
    with pytest.raises(InputError, match="pair 1 is genuine and its people are 4 and 5"):
        PeopleOfPairs.of(np.array([3, 4]), np.array([3, 5]), np.array([True, True]))
    genuine, impostor, people = world(9, seed=1)
    with pytest.raises(InputError, match="do not fit"):
        resampled_tars(genuine[1:], impostor, people, 0.05)
    with pytest.raises(InputError, match="cannot support FAR"):
        resampled_tars(genuine, impostor, people, 1e-4)


def test_mcnemar_counts_the_pairs_on_which_one_is_right_alone() -> None:
    first = np.array([True] * 10 + [False] * 3 + [True] * 5)
    second = np.array([True] * 10 + [True] * 3 + [False] * 5)
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (5, 3)
    assert found.p_value == pytest.approx(2 * sum(math.comb(8, k) for k in range(4)) / 256)
    assert mcnemar(first, first).p_value == 1


@pytest.mark.parametrize(("alone", "differ"), [(0, 1), (50, 101), (900, 2000), (499_000, 1_000_000)])
def test_mcnemar_is_the_binomial_test_in_the_time_that_a_large_file_leaves(alone: int, differ: int) -> None:
    first = np.arange(differ) < alone
    assert mcnemar(first, ~first).p_value == pytest.approx(stats.binomtest(alone, differ).pvalue, rel=1e-7)


def everyone(seed: int, *, crossed: bool) -> tuple[np.ndarray, np.ndarray, PeopleOfPairs, PeopleOfAllPairs]:
    """All pairs of 60 photos of 9 people, listed, and by their numbers with the most similar alone."""
    rng = np.random.default_rng(seed)
    owner, side = np.sort(rng.integers(0, 9, 60)), rng.random(60) < 0.4
    first, second = np.triu_indices(60, 1)
    if crossed:
        apart = side[first] != side[second]
        first, second = first[apart], second[apart]
    same = owner[first] == owner[second]
    similarity = np.where(same, 0.5, 0.0) + 0.2 * rng.normal(size=len(first))
    genuine, impostor = similarity[same], similarity[~same]
    listed = PeopleOfPairs(owner[first][same], owner[first][~same], owner[second][~same])
    hardest = np.argsort(-impostor)[: kept_for_resamples(0.02, len(impostor))]
    counts = [np.append(np.bincount(owner[part], minlength=9), 0) for part in ((side, ~side) if crossed else (...,))]
    numbered = PeopleOfAllPairs(listed.genuine, listed.first[hardest], listed.second[hardest], *counts)
    return genuine, impostor[hardest], listed, numbered


@pytest.mark.parametrize("crossed", [False, True])
def test_all_pairs_by_their_numbers_are_all_pairs_listed(crossed: bool) -> None:
    genuine, hardest, listed, numbered = everyone(2, crossed=crossed)
    assert numbered.impostor_pairs == listed.impostor_pairs == len(listed.first)
    for seed in range(5):
        weight = np.append(np.random.default_rng(seed).integers(0, 4, 9), 1).astype(np.float64)
        assert numbered.impostor_weight(weight) == pytest.approx(listed.impostor_weight(weight))
    whole = np.full(len(listed.first), -1.0)
    order = np.argsort(-hardest)
    whole[: len(hardest)] = hardest[order]
    again = PeopleOfPairs(
        listed.genuine,
        np.concatenate([numbered.first[order], np.zeros(len(whole) - len(hardest), dtype=np.int64)]),
        np.concatenate([numbered.second[order], np.ones(len(whole) - len(hardest), dtype=np.int64)]),
    )
    part = resampled_tars(genuine, hardest, numbered, 0.02, resamples=40)
    assert (part >= 0).all()
    if len(hardest) == len(whole):
        np.testing.assert_allclose(part, resampled_tars(genuine, whole, again, 0.02, resamples=40))


def test_photos_of_unknown_people_are_of_a_person_each() -> None:
    """Three photos of two people and four of nobody: 21 pairs, one of them genuine."""
    people = PeopleOfAllPairs(np.array([0]), np.array([0]), np.array([1]), np.array([2, 1, 4]))
    assert people.impostor_pairs == 20
    assert people.impostor_weight(np.array([2.0, 0.0, 1.0])) == 2 * 2 * 4 + 4 * 3 / 2
    probes = PeopleOfAllPairs(np.array([0]), np.array([0]), np.array([-1]), np.array([2, 1, 0]), np.array([0, 0, 5]))
    assert probes.impostor_pairs == 15
    assert probes.impostor_weight(np.array([2.0, 0.0, 1.0])) == 20
