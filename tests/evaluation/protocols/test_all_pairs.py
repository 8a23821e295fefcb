"""All pairs against double loops over the photos, and against answers that are known by construction."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from marginface.data.synthetic.layouts.planted import AllPairsPlan, PlantedGroup, all_pairs_vectors, write_all_pairs
from marginface.errors import InputError
from marginface.evaluation.protocols.all_pairs import evaluate_all_pairs, parts_of, score_all_pairs
from marginface.evaluation.reading import Faces
from marginface.evaluation.reports.lines import all_pairs_lines
from marginface.evaluation.scoring import impostors
from marginface.evaluation.scoring.slices import read_metadata
from marginface.metrics import PeopleOfPairs, tar_intervals
from oracles.all_pairs import every_pair
from oracles.face_lists import Named, drawn_faces, listed, vectors_of
from oracles.scores import best_tar_within, nearest_point

PEOPLE = np.sort(np.random.default_rng(5).integers(0, 16, 60))


@pytest.mark.parametrize("crossed", [False, True])
@pytest.mark.parametrize("rule", ["at_most", "nearest"])
@pytest.mark.parametrize("lost", [0.0, 0.15])
def test_every_tar_is_that_of_double_loops_over_the_photos(crossed: bool, rule: str, lost: float) -> None:
    faces = drawn_faces(PEOPLE, seed=1, lost=lost)
    sides = np.random.default_rng(3).random(len(faces)) < 0.4 if crossed else None
    found = score_all_pairs(faces, sides=sides, fars=[0.1, 0.02, 0.003], rule=rule)
    genuine, impostor = every_pair(vectors_of(faces), PEOPLE.tolist(), None if sides is None else sides.tolist())
    assert (len(found.genuine), found.impostor_pairs) == (len(genuine), len(impostor))
    assert sorted(found.genuine) == pytest.approx(sorted(genuine), abs=1e-9)
    for point in found.tar_at_far:
        loops = nearest_point(genuine, impostor, point.far)[1]
        assert point.tar == pytest.approx(loops if rule == "nearest" else best_tar_within(genuine, impostor, point.far))
        assert 0 < point.tar < 1, "a set without errors would prove little"


def test_the_interval_is_that_of_all_pairs_listed() -> None:
    faces = drawn_faces(PEOPLE, seed=2)
    found = score_all_pairs(faces, fars=[0.02], resamples=200)
    first, second = np.triu_indices(len(faces), 1)
    similarity = np.einsum("pd,pd->p", *(faces.vectors[rows].astype(float) for rows in (first, second)))
    people = PeopleOfPairs.of(PEOPLE[first], PEOPLE[second], PEOPLE[first] == PEOPLE[second])
    same = PEOPLE[first] == PEOPLE[second]
    (listed,) = tar_intervals(similarity[same], similarity[~same], people, [0.02], resamples=200)
    assert found.intervals[0].to_list() == pytest.approx(listed.to_list())


def test_photos_without_a_face_are_in_the_pairs_also_where_few_are_left() -> None:
    faces = drawn_faces(PEOPLE[:30], seed=4, lost=0.9)
    assert faces.found.sum() < 8
    found = score_all_pairs(faces, fars=[0.01])
    genuine, impostor = every_pair(vectors_of(faces), PEOPLE[:30].tolist())
    assert found.tar_at_far[0].tar == pytest.approx(best_tar_within(genuine, impostor, 0.01))
    assert (found.genuine == -1).sum() == genuine.count(-1.0) > 0


MFR = AllPairsPlan(
    (PlantedGroup("easy", 40), PlantedGroup("hard", 30, hard=6), PlantedGroup("twins", 50, hard=4, twins=3)), size=192
)


@pytest.fixture
def mfr(tmp_path: Path) -> tuple[Faces, Path]:
    """A set in the shape of MFR-ongoing, as faces and with its metadata."""
    _, about = write_all_pairs(tmp_path, MFR)
    names = tuple(read_metadata(about))
    people = np.repeat(np.arange(len(names) // MFR.photos), MFR.photos)
    return Faces("mfr", names, people, all_pairs_vectors(MFR), np.ones(len(names), dtype=bool)), about


@pytest.mark.parametrize("crossed", [False, True])
def test_groups_and_mask_against_no_mask_give_the_answers_that_were_planted(
    mfr: tuple[Faces, Path], crossed: bool
) -> None:
    faces, about = mfr
    fars = [1e-2, 1e-3]
    parts = parts_of(listed(faces), read_metadata(about), ["group"], "mask" if crossed else "", fars)
    result = evaluate_all_pairs(Named(), faces, parts, fars=fars)
    sets = {one.name: one for one in result.sets}
    for name, groups in {"all": MFR.groups, **{f"group: {group.name}": (group,) for group in MFR.groups}}.items():
        assert sets[name].impostor_pairs == MFR.impostor_pairs(groups, crossed=crossed)
        expected = [MFR.tar(groups, far, crossed=crossed) for far in fars]
        assert [point.tar for point in sets[name].tar_at_far] == pytest.approx(expected), name
    assert sets["group: twins"].tar_at_far[1].tar < 1 == sets["group: easy"].tar_at_far[1].tar
    assert result.crossed == ("no against yes" if crossed else "")


def test_a_group_without_pairs_is_named_and_the_numbers_are_plain(mfr: tuple[Faces, Path]) -> None:
    faces, about = mfr
    about.write_text(about.read_text().replace("easy-0000/0.jpg,easy,", "easy-0000/0.jpg,alone,"))
    parts = parts_of(listed(faces), read_metadata(about), ["group", "mask"])
    result = evaluate_all_pairs(Named(), faces, parts)
    assert [name for name, _ in result.unscored] == ["group: alone", "mask: yes"]
    values = json.loads(json.dumps(result.to_dict()))
    assert [one["set"] for one in values["sets"]] == ["all", "group: easy", "group: hard", "group: twins", "mask: no"]
    low, high = values["sets"][0]["tar_at_far"][0]["interval_identities"]
    assert low <= values["sets"][0]["tar_at_far"][0]["tar"] <= high
    lines = all_pairs_lines(result)
    assert lines[-6][0] == "group: alone"
    assert lines[-6][2].startswith("too few photos: all pairs need two photos of a person and two people; group: alone")
    assert [line[:2] for line in lines[-4:-1]] == [("Most similar impostors", "0.600"), ("", "0.600"), ("", "0.600")]
    first, second, similarity = values["sets"][0]["most_similar_impostors"][0]
    assert first.startswith("twins-")
    assert second.startswith("twins-")
    assert similarity == pytest.approx(0.6)
    few = evaluate_all_pairs(Named(), faces, parts, fars=[1e-5])
    assert {name for name, _ in few.unscored} == set(parts.groups)
    assert "impostor pairs cannot support FAR 1e-5" in dict(few.unscored)["group: easy"]
    assert lines[-1][1] == "0 of 480"


def test_what_cannot_be_scored_is_said(mfr: tuple[Faces, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    faces, about = mfr
    metadata, names = read_metadata(about), listed(faces)
    with pytest.raises(InputError, match="0 genuine and 780 impostor"):
        score_all_pairs(faces.part(np.arange(0, 160, 4)))
    with pytest.raises(InputError, match="cannot support FAR 1e-6"):
        score_all_pairs(faces, fars=[1e-6])
    with pytest.raises(InputError, match="group has two values; got easy, hard, twins"):
        parts_of(names, metadata, cross="group")
    with pytest.raises(InputError, match="no column 'rank'"):
        parts_of(names, metadata, ["rank"])
    with pytest.raises(InputError, match="got no metadata"):
        parts_of(names, None, ["group"])
    with pytest.raises(InputError, match="which has no names of photos"):
        parts_of(replace(names, names=()), metadata, ["group"])
    with pytest.raises(InputError, match="cannot support FAR 1e-6"):
        parts_of(names, metadata, fars=[1e-6])
    with pytest.raises(InputError, match="all has 0 genuine and 780 impostor pairs"):
        parts_of(names.part(np.arange(0, 160, 4)), metadata)
    monkeypatch.setattr(impostors, "MOST_KEPT", 2_000)
    with pytest.raises(InputError, match=r"FAR 0\.01 of 114,240 impostor pairs looks at the 5,569 most similar; at mo"):
        score_all_pairs(faces, fars=[0.01])
    monkeypatch.setattr(impostors, "_MOST_UNASKED", 2_000)
    assert [point.far for point in score_all_pairs(faces).tar_at_far] == [1e-3, 1e-4, 1e-5]
