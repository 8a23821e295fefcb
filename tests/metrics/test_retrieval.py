"""Searches with several right answers against walking down the list."""

from __future__ import annotations

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.metrics.retrieval import average_precision, mate_ranks
from oracles.all_pairs import area_under_precision


def test_ranks_and_precision_are_those_of_walking_down_the_list() -> None:
    rng = np.random.default_rng(0)
    for mates in (1, 2, 5, 40):  # beyond 16 the others are sorted
        probe = [1.0]
        scores = rng.integers(0, 12, 60) / 16  # many ties
        people = np.where(np.arange(60) < mates, 7, rng.integers(8, 20, 60))
        area, first = area_under_precision(probe, 7, [[value] for value in scores.tolist()], people.tolist())
        ranks = mate_ranks(scores, people == 7)
        assert (ranks[0], average_precision(ranks, mates)) == (first, pytest.approx(area))
        assert (np.diff(ranks) > 0).all()


def test_a_perfect_search_has_precision_one_and_lost_mates_cost_their_share() -> None:
    assert average_precision(np.arange(1, 6), 5) == 1
    assert average_precision(np.arange(1, 4), 6) == 0.5
    assert average_precision(np.empty(0, dtype=np.int64), 3) == 0


def test_a_worse_rank_is_never_better() -> None:
    for mates in (1, 3):
        values = [average_precision(np.arange(rank, rank + mates), mates) for rank in range(1, 30)]
        assert values == sorted(values, reverse=True)


def test_an_entry_that_could_not_be_enrolled_is_before_nobody() -> None:
    assert mate_ranks(np.array([-np.inf, 0.2, -np.inf]), np.array([False, True, False])).tolist() == [1]


def test_a_search_without_a_mate_has_no_precision() -> None:
    with pytest.raises(InputError, match="one mate or more"):
        average_precision(np.empty(0, dtype=np.int64), 0)
    with pytest.raises(InputError, match="no more ranks than mates; got 3 of 2"):
        average_precision(np.array([1, 2, 3]), 2)
