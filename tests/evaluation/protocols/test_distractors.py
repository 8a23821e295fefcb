"""Searches among distractors against loops over ordered pairs, and against answers that are known by construction."""

from __future__ import annotations

import json

import numpy as np
import pytest

from marginface.data.synthetic.layouts.planted import MegaPlan, distractor_vectors, probe_vectors
from marginface.errors import DataError, InputError
from marginface.evaluation.protocols.distractors import (
    distractor_order,
    evaluate_distractors,
    list_probes,
    probes_and_distractors,
)
from marginface.evaluation.reading import Faces
from marginface.evaluation.reports.lines import distractor_lines
from oracles.all_pairs import every_pair, impostors_among, shares_among
from oracles.face_lists import Named, drawn_faces, listed, vectors_of
from oracles.scores import best_tar_within, nearest_point

PEOPLE = np.repeat(np.arange(9), [2, 3, 4, 2, 5, 2, 3, 2, 4])


@pytest.mark.parametrize("lost", [0.0, 0.2])
@pytest.mark.parametrize("rule", ["at_most", "nearest"])
def test_every_rate_is_that_of_loops_over_ordered_pairs(lost: float, rule: str) -> None:
    probes = drawn_faces(PEOPLE, seed=1, lost=lost)
    others = drawn_faces(np.arange(130), seed=2, lost=lost)
    result = evaluate_distractors(Named(), probes, others, seed=3, rule=rule)
    assert result.sizes == (10, 100, 130)
    order, listed = distractor_order(130, 3), vectors_of(others)
    for one in result.rates:
        among = [listed[place] for place in order[: one.distractors].tolist()]
        assert one.rate == pytest.approx(shares_among(vectors_of(probes), PEOPLE.tolist(), among, one.rank))
        assert one.interval.low <= one.rate <= one.interval.high
    assert {one.rate for one in result.rates} - {0.0, 1.0}, "a world without errors would prove little"
    genuine, _ = every_pair(vectors_of(probes), PEOPLE.tolist())
    impostor = impostors_among(vectors_of(probes), listed)
    assert result.searches == 2 * len(genuine)
    for point in result.tar_at_far:
        assert point.impostor_pairs == len(impostor)
        loops = nearest_point(genuine, impostor, point.far)[1]
        assert point.tar == pytest.approx(loops if rule == "nearest" else best_tar_within(genuine, impostor, point.far))


def test_a_distractor_that_is_the_enrolled_photo_ties_and_counts_against_the_model() -> None:
    half = np.array([[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, -0.5]], dtype=np.float32)  # products are exact
    probes = Faces("two", ("a/0", "a/1"), np.zeros(2, dtype=np.int64), half, np.ones(2, dtype=bool))
    stranger = Faces("same", ("x",), np.zeros(1, dtype=np.int64), half[1:], np.ones(1, dtype=bool))
    rates = {one.rank: one.rate for one in evaluate_distractors(Named(), probes, stranger).rates}
    # searching photo 0 the stranger ties with the enrolled photo 1; searching photo 1 it is nearer than photo 0
    assert rates == {1: 0.0, 5: 1.0, 10: 1.0}


def test_planted_look_alikes_cost_the_searches_of_their_photos() -> None:
    plan = MegaPlan(people=30, photos=8, distractors=18_000, lookalikes=24, size=64, seed=1)
    people = np.repeat(np.arange(30), 8)
    probes = Faces("probes", (), people, probe_vectors(plan), np.ones(240, dtype=bool))
    others = Faces("others", (), np.arange(18_000), distractor_vectors(plan), np.ones(18_000, dtype=bool))
    result = evaluate_distractors(Named(), probes, others, seed=5)
    order = distractor_order(18_000, 5)
    for one in result.rates:
        expected = plan.rank_one(order[: one.distractors]) if one.rank == 1 else 1.0
        assert one.rate == pytest.approx(expected), one
    assert result.rates[-3].rate == pytest.approx(0.9)
    tars = {point.far: point.tar for point in result.tar_at_far}
    assert tars == {1e-2: 1.0, 1e-3: 1.0, 1e-4: 1.0, 1e-5: 1.0, 1e-6: 0.0}  # 24 pairs of 4.3 million are at 0.9


def test_the_seed_decides_the_order_and_no_more() -> None:
    probes, others = drawn_faces(PEOPLE, seed=1), drawn_faces(np.arange(60), seed=2)
    one, other = (evaluate_distractors(Named(), probes, others, seed=seed) for seed in (0, 1))
    assert [rate.rate for rate in one.rates[:3]] != [rate.rate for rate in other.rates[:3]]
    assert [rate.rate for rate in one.rates[-3:]] == [rate.rate for rate in other.rates[-3:]]
    assert [point.tar for point in one.tar_at_far] == [point.tar for point in other.tar_at_far]


def test_one_set_is_divided_by_its_rule() -> None:
    faces = listed(drawn_faces(np.repeat(np.arange(20), [1] * 12 + [3] * 8), seed=0))
    probes, others, rule = probes_and_distractors(faces)
    assert (len(probes.people), len(others.people)) == (24, 12)
    assert rule.startswith("8 people with two photos or more are probes")
    probes, others, rule = probes_and_distractors(faces, people=3, seed=1)
    assert "3 people with two photos or more, drawn with seed 1, are probes" in rule
    assert (len(probes.people), len(others.people)) == (9, 27)
    assert not set(probes.people.tolist()) & set(others.people.tolist())
    assert probes_and_distractors(faces, people=3, seed=1)[0].names == probes.names
    with pytest.raises(InputError, match="9 probe people were asked for; 8 have two photos"):
        probes_and_distractors(faces, people=9)
    with pytest.raises(DataError, match="or give a second folder of distractors"):
        probes_and_distractors(faces.part(np.arange(12, 36)))
    with pytest.raises(DataError, match="got nobody of 12"):
        list_probes(faces.part(np.arange(12)))
    assert len(list_probes(faces).people) == 24


def test_the_numbers_are_plain_and_the_table_has_them() -> None:
    probes, others = drawn_faces(PEOPLE, seed=1, lost=0.1), drawn_faces(np.arange(60), seed=2, lost=0.1)
    result = evaluate_distractors(Named(), probes, others, fars=[0.01])
    values = json.loads(json.dumps(result.to_dict()))
    assert (values["probe_people"], values["probe_photos"], values["distractors"]) == (9, 27, 60)
    assert values["failures_to_acquire"] == int((~probes.found).sum() + (~others.found).sum()) > 0
    assert [point["far"] for point in values["tar_at_far"]] == [0.01]
    lines = distractor_lines(result)
    assert [line[0] for line in lines] == ["10 distractors", "", "", "60 distractors", "", "", "  TAR at FAR 0.01",
                                           "Without a face"]  # fmt: skip
    with pytest.raises(InputError, match="cannot support FAR 1e-6"):
        evaluate_distractors(Named(), probes, others, fars=[1e-6])
    with pytest.raises(DataError, match="32 pairs of photos of one person and 0 distractors"):
        evaluate_distractors(Named(), probes, others.part(np.empty(0, dtype=np.int64)))
