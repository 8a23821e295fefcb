"""Groups of unknown people."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from marginface.errors import InputError, MissingExtra
from marginface.matching import cluster as module
from marginface.matching.cluster import APART, cluster
from oracles.clusters import average_linkage_by_hand
from oracles.nearest import people, unit

pytest.importorskip("scipy", reason="scipy is not installed: pip install 'marginface[cluster]'")


def as_sets(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


@pytest.mark.parametrize("threshold", [0.2, 0.45, 0.7])
@pytest.mark.parametrize("photos", [None, 12])
def test_groups_are_those_of_merging_the_most_similar_two_by_hand(threshold: float, photos: int | None) -> None:
    random = np.random.default_rng(3)
    world = people(persons=9, faces=4, size=12, spread=1.2, seed=5)
    similarities = world.vectors.astype(float) @ world.vectors.T.astype(float)
    photo = None if photos is None else random.integers(0, photos, len(world.ids))
    if photo is not None:
        similarities = similarities - APART * (photo[:, None] == photo[None, :])
    found = cluster(world.vectors, threshold, photos=photo)
    assert as_sets(found.labels) == average_linkage_by_hand(similarities.tolist(), threshold)
    assert 1 < len(found) < len(world.ids)


def test_well_apart_people_are_found_whatever_the_order() -> None:
    world = people(persons=40, faces=5, size=64, spread=0.5)
    order = np.random.default_rng(1).permutation(len(world.ids))
    found = cluster(world.vectors[order], 0.4)
    assert as_sets(found.labels) == as_sets(world.owners[order])


def test_the_largest_group_comes_first_and_lone_faces_are_groups_of_one() -> None:
    rows = unit(np.array([[0, 0, 1], [1, 0, 0], [1, 0.1, 0], [0, 1, 0], [0, 1, 0.1], [0.1, 1, 0]]))
    found = cluster(rows, 0.8)
    assert found.labels.tolist() == [2, 1, 1, 0, 0, 0]
    assert [group.tolist() for group in found.groups()] == [[3, 4, 5], [1, 2], [0]]
    assert len(found) == 3
    assert found.threshold == 0.8


def test_a_chain_of_look_alikes_does_not_join_its_ends() -> None:
    angles = np.radians(np.arange(0, 180, 20))
    found = cluster(unit(np.stack([np.cos(angles), np.sin(angles)], axis=1)), 0.9)
    assert found.labels[0] != found.labels[-1]
    assert len(found) > 2


def test_two_faces_of_one_photo_are_two_people_unless_the_other_photos_say_otherwise() -> None:
    random = np.random.default_rng(0)
    person = unit(random.normal(size=(1, 64)))
    faces = unit(person + 0.3 * random.normal(size=(12, 64)) / 8)
    twins = cluster(faces[:2], 0.5, photos=np.array([4, 4]))
    assert twins.labels.tolist() == [0, 1]
    assert cluster(faces[:2], 0.5).labels.tolist() == [0, 0]
    mirror = np.array([0, 0, *range(1, 11)])
    assert len(cluster(faces, 0.5, photos=mirror)) == 1


def test_a_mean_at_the_threshold_joins_and_one_below_does_not() -> None:
    rows = np.array([[1, 0], [0.6, 0.8]], np.float32)
    at = float(rows[1, 0])  # the cosine of the two, as a float32 has it
    assert cluster(rows, at).labels.tolist() == [0, 0]
    assert cluster(rows, at + 1e-6).labels.tolist() == [0, 1]


def test_two_faces_of_one_photo_are_less_similar_by_one() -> None:
    rows = np.array([[1, 0], [0.6, 0.8]], np.float32)
    here = np.zeros(2, np.int64)
    assert cluster(rows, -0.41, photos=here).labels.tolist() == [0, 0]
    assert cluster(rows, -0.39, photos=here).labels.tolist() == [0, 1]


def test_copies_of_a_photo_are_one_group_though_their_cosine_is_above_one_by_rounding() -> None:
    rows = unit(np.random.default_rng(0).normal(size=(40, 512)))
    rows = rows * np.float32(1 + 1e-6)
    assert (rows @ rows.T).max() > 1
    assert len(cluster(np.repeat(rows, 3, axis=0), 0.9)) == 40


def test_no_faces_make_no_groups_and_one_makes_one() -> None:
    nothing = cluster(np.empty((0, 8), np.float32), 0.5)
    assert (len(nothing), nothing.groups()) == (0, [])
    assert cluster(unit(np.ones((1, 8))), 0.5).labels.tolist() == [0]


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="similarity between -1 and 1"):
        cluster(unit(np.ones((2, 8))), 1.5)
    with pytest.raises(InputError, match=r"\(2, 8\) with photos \(3,\)"):
        cluster(unit(np.ones((2, 8))), 0.5, photos=np.zeros(3, np.int64))


def test_too_many_that_hang_together_are_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 4)
    with pytest.raises(InputError, match=r"5 faces hang together .* up to 4.*higher threshold"):
        cluster(unit(np.ones((5, 8))), 0.5)


def test_without_scipy_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(MissingExtra, match=r"marginface\[cluster\]"):
        cluster(unit(np.ones((2, 8))), 0.5)
