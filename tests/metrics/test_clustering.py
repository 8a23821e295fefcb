"""Groups against people."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginface.errors import InputError
from marginface.metrics.clustering import Agreement, clustering_score
from oracles.clusters import bcubed_by_hand, pairwise_by_hand

labels = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=25)


@settings(deadline=None, max_examples=150)
@given(labels)
def test_figures_are_those_of_counting_pairs_and_faces(faces: list[tuple[int, int]]) -> None:
    groups, people = ([face[place] for face in faces] for place in (0, 1))
    score = clustering_score(np.array(groups) * 7 - 3, np.array(people))
    assert (score.pairwise.precision, score.pairwise.recall) == pytest.approx(pairwise_by_hand(groups, people))
    assert (score.bcubed.precision, score.bcubed.recall) == pytest.approx(bcubed_by_hand(groups, people))
    assert (score.faces, score.groups, score.people) == (len(faces), len(set(groups)), len(set(people)))


def test_the_right_groups_have_every_figure_one_whatever_they_are_called() -> None:
    people = np.repeat(np.arange(5), 4)
    score = clustering_score(9 - people, people)
    assert (score.pairwise, score.bcubed) == (Agreement(1, 1), Agreement(1, 1))
    assert score.bcubed_interval.to_list() == [1, 1]


def test_one_group_has_all_recall_and_each_alone_all_precision() -> None:
    people = np.repeat(np.arange(5), 4)
    together, alone = clustering_score(people * 0, people), clustering_score(np.arange(20), people)
    assert (together.pairwise.recall, together.bcubed.recall) == (1, 1)
    assert together.bcubed.precision == pytest.approx(0.2)
    assert (alone.pairwise.precision, alone.bcubed.precision) == (1, 1)
    assert (alone.pairwise.recall, alone.bcubed.recall) == pytest.approx((0, 0.25))


def test_the_interval_holds_the_figure_and_shrinks_with_people() -> None:
    random = np.random.default_rng(0)

    def score(people: int) -> tuple[float, float, float]:
        truth = np.repeat(np.arange(people), 4)
        groups = np.where(random.random(len(truth)) < 0.3, truth + people, truth)
        made = clustering_score(groups, truth)
        return made.bcubed_interval.low, made.bcubed.f, made.bcubed_interval.high

    few, many = score(20), score(2000)
    assert few[0] < few[1] < few[2]
    assert many[0] < many[1] < many[2]
    assert many[2] - many[0] < (few[2] - few[0]) / 5


def test_f_of_nothing_right_is_nothing() -> None:
    assert Agreement(0, 0).f == 0
    assert Agreement(1, 0.5).f == pytest.approx(2 / 3)


@pytest.mark.parametrize(("groups", "people"), [(3, 4), (0, 0)])
def test_labels_that_do_not_fit_are_refused(groups: int, people: int) -> None:
    with pytest.raises(InputError, match=rf"\({groups},\) and \({people},\)"):
        clustering_score(np.zeros(groups, np.int64), np.zeros(people, np.int64))
