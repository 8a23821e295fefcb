"""Identification against loops over probes and thresholds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginface.errors import InputError
from marginface.metrics import (
    Searches,
    cmc,
    fmr_of_search,
    fpir_of_search,
    identification_rate,
    rank_interval,
    search_results,
    size_of_search,
    tpir_intervals,
    tpirs_at_fpirs,
    wilson_interval,
)
from oracles.resampling import tar_of_copies
from oracles.searches import best_tpir_within, search_one

values = st.integers(-4, 4).map(lambda value: value / 4)  # few distinct ones: ties are the rule
blocks = st.integers(1, 5).flatmap(
    lambda entries: st.lists(
        st.tuples(st.lists(values, min_size=entries, max_size=entries), st.integers(-1, entries - 1)),
        min_size=1,
        max_size=8,
    )
)


@given(blocks)
def test_a_block_of_searches_is_each_search_alone(block: list[tuple[list[float], int]]) -> None:
    similarities, own = np.array([row for row, _ in block]), np.array([place for _, place in block])
    decisive, rank, mated = search_results(similarities, own)
    expected = [search_one(row, None if place < 0 else place) for row, place in block]
    assert list(zip(decisive.tolist(), rank.tolist(), strict=True)) == expected
    assert mated.tolist() == [place >= 0 for _, place in block]


mated_searches = st.lists(st.tuples(values, st.integers(1, 4)), min_size=1, max_size=12)


@given(mated_searches, st.lists(values, min_size=4, max_size=12), st.integers(1, 4))
def test_tpir_is_that_of_the_lowest_threshold_within_the_fpir(
    mated: list[tuple[float, int]], nonmated: list[float], rank: int
) -> None:
    searches = Searches(np.array([v for v, _ in mated]), np.array([r for _, r in mated]), np.array(nonmated), 4)
    (point,) = tpirs_at_fpirs(searches, [0.25], rank=rank)
    tpir, _ = best_tpir_within(mated, nonmated, 0.25, rank)
    assert point.tpir == pytest.approx(tpir)
    assert point.achieved_fpir <= 0.25
    assert point.interval.low <= point.tpir <= point.interval.high


def test_without_a_threshold_tpir_is_the_identification_rate() -> None:
    searches = Searches(np.array([0.9, 0.5, 0.1, 0.3]), np.array([1, 2, 1, 7]), np.array([-1.0] * 10), 9)
    (point,) = tpirs_at_fpirs(searches, [0.1])
    assert point.tpir == identification_rate(searches, 1) == 0.5
    assert [identification_rate(searches, rank) for rank in (1, 2, 6, 7)] == [0.5, 0.75, 0.75, 1.0]
    assert cmc(searches).tolist() == [0.5, 0.75, 0.75, 0.75, 0.75, 0.75, 1.0, 1.0, 1.0]


def test_a_search_that_never_came_to_its_entry_is_a_miss_at_every_rank() -> None:
    searches = Searches(np.array([0.9, 0.8]), np.array([1, 4]), np.linspace(-1, 0, 20), 3)
    for rank in (1, 3, 4, 99):
        assert identification_rate(searches, rank) == 0.5
        assert tpirs_at_fpirs(searches, [0.1], rank=rank)[0].tpir == 0.5
    assert cmc(searches).tolist() == [0.5] * 3


def test_a_curve_over_ranks_has_as_many_as_are_asked_for_and_50_if_none_are() -> None:
    searches = Searches(np.zeros(60), np.arange(1, 61), np.empty(0), 60)
    assert cmc(searches).tolist() == [rank / 60 for rank in range(1, 51)]
    assert cmc(searches, 2).tolist() == [1 / 60, 2 / 60]
    with pytest.raises(InputError, match="a rank is 1 or more; got 0"):
        identification_rate(searches, 0)
    assert identification_rate(searches, 1) == 1 / 60


def test_a_constant_model_finds_nobody() -> None:
    decisive, rank, _ = search_results(np.full((3, 5), 0.7), np.array([0, 3, 4]))
    assert rank.tolist() == [5, 5, 5]
    searches = Searches(decisive, rank, np.full(20, 0.7), 5)
    assert tpirs_at_fpirs(searches, [0.1])[0].tpir == 0


@given(mated_searches, st.lists(values, min_size=4, max_size=12), st.integers(1, 5))
def test_a_rising_map_of_the_similarities_changes_no_rate(
    mated: list[tuple[float, int]], nonmated: list[float], power: int
) -> None:
    rank = np.array([r for _, r in mated])
    plain = Searches(np.array([v for v, _ in mated]), rank, np.array(nonmated), 4)
    mapped = Searches(np.exp(power * plain.mated), rank, np.exp(power * plain.nonmated), 4)
    for rule in ("at_most", "nearest"):
        one, other = (tpirs_at_fpirs(searches, [0.25], rule)[0] for searches in (plain, mapped))
        assert (one.tpir, one.achieved_fpir) == (other.tpir, other.achieved_fpir)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rank": np.array([1])}, "one rank from 1 to 5"),
        ({"rank": np.array([1, 7])}, "one rank from 1 to 5"),
        ({"rank": np.array([0, 1])}, "one rank from 1 to 5"),
        ({"mated_people": np.array([3])}, "one person per search is needed, of 2 and 1"),
        ({"nonmated_people": np.array([3, 4])}, "one person per search is needed, of 2 and 1"),
        ({"nonmated": np.array([np.inf])}, "nonmated similarities are one row of finite numbers"),
        ({"mated": np.array([0.1, np.nan])}, "finite"),
    ],
)
def test_searches_that_do_not_fit_are_refused(change: dict[str, np.ndarray], message: str) -> None:
    fitting = {"mated": np.array([0.1, 0.2]), "rank": np.array([1, 2]), "nonmated": np.array([0.3]), "gallery": 5}
    with pytest.raises(InputError, match=message):
        Searches(**{**fitting, **change})


def test_too_few_searches_say_how_many_it_takes() -> None:
    searches = Searches(np.array([0.1]), np.array([1]), np.linspace(0, 1, 50), 5)
    with pytest.raises(InputError, match=r"50 non-mated searches cannot support FPIR 1e-2.*At least 100 searches"):
        tpirs_at_fpirs(searches, [0.01])
    with pytest.raises(InputError, match="non-mated searches are needed"):
        tpirs_at_fpirs(Searches(np.array([0.1]), np.array([1]), np.array([]), 5), [0.1])


def test_a_search_of_independent_comparisons_returns_somebody_as_often_as_the_formula_says() -> None:
    rng = np.random.default_rng(0)
    for fmr, size in ((0.01, 10), (0.002, 500), (0.3, 1)):
        share = (rng.random((40_000, size)) < fmr).any(axis=1).mean()
        assert share == pytest.approx(fpir_of_search(fmr, size), abs=4 * (share * (1 - share) / 40_000) ** 0.5)


@given(st.floats(1e-6, 0.9), st.integers(1, 10**9))
def test_rate_and_size_of_a_search_are_inverse(fpir: float, size: int) -> None:
    fmr = fmr_of_search(fpir, size)
    assert 0 < fmr <= fpir * (1 + 1e-12)
    assert fpir_of_search(fmr, size) == pytest.approx(fpir, rel=1e-9)
    assert size_of_search(fpir, fmr) == size


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1.0, 0.0, 1.0])
def test_a_search_has_no_size_at_what_is_no_rate(rate: float) -> None:
    with pytest.raises(InputError, match="an FPIR is a rate between 0 and 1"):
        size_of_search(rate, 0.01)
    with pytest.raises(InputError, match="an FMR is a rate between 0 and 1"):
        size_of_search(0.01, rate)


def test_false_matches_that_come_together_make_fewer_searches_return_somebody() -> None:
    """Half of the probes look like nobody: the formula at the mean rate is above the truth, never below."""
    truth = (fpir_of_search(0.02, 50) + fpir_of_search(0.0, 50)) / 2
    assert truth < fpir_of_search(0.01, 50)


def drawn(people: int, of_each: int, strangers: int, seed: int = 0) -> Searches:
    """Mated searches whose similarity is nearly that of their person, a miss in ten, and strangers of two photos."""
    rng = np.random.default_rng(seed)
    own = 0.6 + 0.15 * rng.normal(size=people)
    mated = np.repeat(own, of_each) + 0.01 * rng.normal(size=people * of_each)
    rank = np.repeat(np.where(rng.random(people) < 0.1, 2, 1), of_each)
    nonmated = 0.1 * rng.normal(size=2 * strangers)
    whose = np.repeat(np.arange(people), of_each), people + np.repeat(np.arange(strangers), 2)
    return Searches(mated, rank, nonmated, people, *whose)


def test_more_photos_of_the_same_people_do_not_make_a_rate_surer() -> None:
    few, many = drawn(60, 2, 40), drawn(60, 200, 40)
    for interval in (rank_interval, lambda found, rank: tpir_intervals(found, [0.1], rank=rank)[0]):
        widths = [one.high - one.low for one in (interval(few, 1), interval(many, 1))]
        assert widths[1] == pytest.approx(widths[0], rel=0.3)
    share = identification_rate(many, 1)
    searches = len(many.rank)
    wilson = wilson_interval(round(share * searches), searches)
    assert wilson.high - wilson.low < 0.2 * (rank_interval(many, 1).high - rank_interval(many, 1).low)


def test_a_resample_of_searches_has_all_of_a_person_as_often_as_drawn() -> None:
    searches = replace(drawn(7, 3, 6, seed=2), rank=np.repeat([2, 1, 1, 2, 1, 1, 1], 3))
    (found,) = tpir_intervals(searches, [0.2], resamples=40)
    rng, rates = np.random.default_rng(0), []
    own = zip(np.where(searches.rank == 1, searches.mated, -9.0), searches.mated_people, strict=True)
    strangers = zip(searches.nonmated, searches.nonmated_people, strict=True)
    same, others = list(own), [(value, who, 13) for value, who in strangers]
    for _ in range(40):
        copies = [*rng.multinomial(13, np.full(13, 1 / 13)).tolist(), 1]
        rates.append(tar_of_copies(same, others, copies, 0.2))
    known = np.array([rate for rate in rates if rate is not None])
    assert found.to_list() == pytest.approx(np.quantile(known, [0.025, 0.975]).tolist())


def test_where_nobody_knows_who_is_searched_there_is_no_interval_over_people() -> None:
    searches = Searches(np.array([0.9]), np.array([1]), np.linspace(0, 1, 50), 5)
    assert rank_interval(searches, 1) is None
    assert tpir_intervals(searches, [0.1]) is None
    with pytest.raises(InputError, match="one person per search"):
        Searches(np.array([0.9]), np.array([1]), np.array([0.1]), 5, np.array([1, 2]), np.array([3]))
