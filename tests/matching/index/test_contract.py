"""What every index promises, whatever it is made of."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.matching.index import VectorIndex
from oracles.nearest import People, nearest_by_hand, people, unit
from oracles.patience import PATIENCE

Make = Callable[..., VectorIndex]

WORLD = people()


def filled(make: Make, world: People = WORLD) -> VectorIndex:
    index = make(world.vectors.shape[1])
    half = len(world.ids) // 2
    index.upsert(world.ids[:half], world.vectors[:half], world.owners[:half])
    index.upsert(world.ids[half:], world.vectors[half:], world.owners[half:])
    return index


def test_an_exact_search_gives_what_brute_force_gives(make: Make) -> None:
    index = filled(make)
    hits = index.search(WORLD.probes[:12], 7, exact=True)
    stored = index.snapshot()
    assert hits.ids.dtype == np.int64
    assert hits.similarities.dtype == np.float32
    for probe, ids, similarities in zip(WORLD.probes, hits.ids, hits.similarities, strict=False):
        expected = nearest_by_hand(probe, stored.ids, stored.vectors, 7)
        assert ids.tolist() == [number for number, _ in expected]
        np.testing.assert_allclose(similarities, [cosine for _, cosine in expected], atol=2e-7)


def test_a_search_finds_the_faces_of_the_person_who_is_asked_for(make: Make) -> None:
    hits = filled(make).search(WORLD.probes, 4)
    owner = dict(zip(WORLD.ids.tolist(), WORLD.owners.tolist(), strict=True))
    found = [[owner[number] for number in row] for row in hits.ids.tolist()]
    recall = np.mean([[who == person for who in row] for row, person in zip(found, WORLD.persons, strict=True)])
    exact = filled(make).search(WORLD.probes, 4, exact=True)
    best = [[owner[number] for number in row] for row in exact.ids.tolist()]
    whole = np.mean([[who == person for who in row] for row, person in zip(best, WORLD.persons, strict=True)])
    assert whole > 0.9
    assert recall >= whole - 0.01


def test_a_similarity_does_not_depend_on_the_other_probes(make: Make) -> None:
    index = filled(make)
    together = index.search(WORLD.probes, 3)
    alone = [index.search(probe[np.newaxis], 3) for probe in WORLD.probes]
    np.testing.assert_array_equal(together.ids, np.vstack([hits.ids for hits in alone]))
    np.testing.assert_array_equal(together.similarities, np.vstack([hits.similarities for hits in alone]))


@pytest.mark.parametrize("exact", [False, True])
def test_what_was_deleted_is_not_found(make: Make, exact: bool) -> None:
    index = filled(make)
    gone = index.search(WORLD.probes, 1).ids[:, 0]
    index.delete(gone)
    index.delete(gone)  # once more is no error
    index.delete(np.array([10**9]))
    assert index.count() == len(WORLD.ids) - len(set(gone.tolist()))
    hits = index.search(WORLD.probes, 20, exact=exact)
    assert not np.isin(hits.ids, gone).any()
    assert (hits.ids >= 0).all()


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(("owners", "k"), [(range(100, 130), 30), (range(100, 103), 12), ([107], 3), ([159], 4)])
def test_k_faces_of_the_owners_are_found_if_there_are_so_many(make: Make, owners: range, k: int, exact: bool) -> None:
    index = filled(make)
    among = np.array(owners)
    hits = index.search(WORLD.probes[:8], k, owners=among, exact=exact)
    theirs = WORLD.ids[np.isin(WORLD.owners, among)]
    assert np.isin(hits.ids, theirs).all()
    assert all(len(set(row)) == k for row in hits.ids.tolist())
    assert (np.diff(hits.similarities, axis=1) <= 0).all()


def test_owners_of_few_faces_or_none_leave_places_empty(make: Make) -> None:
    index = filled(make)
    hits = index.search(WORLD.probes[:2], 6, owners=np.array([107]))
    assert (hits.ids[:, 4:] == -1).all()
    assert np.isneginf(hits.similarities[:, 4:]).all()
    assert set(hits.ids[0, :4].tolist()) == set(WORLD.ids[WORLD.owners == 107].tolist())
    for nobody in (np.array([5]), np.array([], np.int64)):
        assert (index.search(WORLD.probes[:2], 6, owners=nobody).ids == -1).all()


def test_an_id_that_comes_again_gets_the_new_vector_and_owner(make: Make) -> None:
    index = filled(make)
    again, new = WORLD.ids[:5], unit(np.random.default_rng(9).normal(size=(5, 32)))
    index.upsert(again, new, np.full(5, 777))
    assert index.count() == len(WORLD.ids)
    hits = index.search(new, 1)
    assert hits.ids[:, 0].tolist() == again.tolist()
    np.testing.assert_allclose(hits.similarities, 1, atol=1e-3)
    assert set(index.search(new[:1], 5, owners=np.array([777])).ids[0].tolist()) == set(again.tolist())
    old = index.search(WORLD.vectors[:5], 1, exact=True)
    assert (old.similarities[:, 0] < 0.999).all()


def test_an_empty_index_finds_nobody(make: Make) -> None:
    index = make()
    assert index.count() == 0
    hits = index.search(WORLD.probes[:3], 5)
    assert hits.ids.shape == (3, 5)
    assert (hits.ids == -1).all()
    assert np.isneginf(hits.similarities).all()
    assert len(index.snapshot()) == 0
    assert index.snapshot().vectors.shape == (0, 32)


def test_k_above_the_count_leaves_places_empty(make: Make) -> None:
    index = make()
    index.upsert(WORLD.ids[:3], WORLD.vectors[:3], WORLD.owners[:3])
    for exact in (False, True):
        hits = index.search(WORLD.probes[:2], 5, exact=exact)
        assert (hits.ids[:, :3] >= 0).all()
        assert (hits.ids[:, 3:] == -1).all()


def test_of_equal_similarities_the_lower_id_comes_first(make: Make) -> None:
    index = make(4)
    ids = np.array([9, 3, 7, 5, 1])
    index.upsert(ids, np.tile(np.array([[1, 0, 0, 0]], np.float32), (5, 1)), np.arange(5))
    hits = index.search(np.array([[0.6, 0.8, 0, 0]], np.float32), 4, exact=True)
    assert hits.ids.tolist() == [[1, 3, 5, 7]]


def test_no_faces_and_no_probes_are_no_error(make: Make) -> None:
    index = filled(make)
    nothing = np.empty(0, np.int64)
    index.upsert(nothing, np.empty((0, 32), np.float32), nothing)
    index.delete(nothing)
    assert index.count() == len(WORLD.ids)
    assert index.search(np.empty((0, 32), np.float32), 3).ids.shape == (0, 3)


def test_a_snapshot_is_all_that_was_put_in_and_stays_as_it_is(make: Make) -> None:
    index = filled(make)
    snapshot = index.snapshot()
    index.delete(WORLD.ids[:100])
    order = np.argsort(WORLD.ids)
    np.testing.assert_array_equal(snapshot.ids, WORLD.ids[order])
    np.testing.assert_array_equal(snapshot.owners, WORLD.owners[order])
    np.testing.assert_allclose(snapshot.vectors, WORLD.vectors[order], atol=3e-4)
    assert snapshot.vectors.dtype == np.float32
    assert index.embedding_size == 32


ROW = unit(np.ones((1, 32)))
ONE = np.array([1])


@pytest.mark.parametrize(
    ("ids", "vectors", "owners", "message"),
    [
        (ONE, ROW[:, :31], ONE, r"\(N, 32\); got float32 \(1, 31\)"),
        (ONE, ROW[0], ONE, r"vectors\[np.newaxis\]"),
        (ONE, ROW * 2, ONE, "length 2"),
        (ONE, ROW * np.nan, ONE, "row 0 has length nan"),
        (ONE, np.ones((1, 32), np.int64), ONE, "int64"),
        (ONE, np.vstack([ROW, ROW]), ONE, "1 ids, 2 vectors, 1 owners"),
        (np.array([1, 1]), np.vstack([ROW, ROW]), np.array([1, 2]), "different"),
        (np.array([-1]), ROW, ONE, "from 0"),
        (ONE, ROW, np.array([-7]), "owners are from 0"),
        (np.array([1.5]), ROW, ONE, "whole numbers"),
    ],
)
def test_a_wrong_row_is_refused_and_changes_nothing(
    make: Make, ids: np.ndarray, vectors: np.ndarray, owners: np.ndarray, message: str
) -> None:
    index = make()
    with pytest.raises(InputError, match=message):
        index.upsert(ids, vectors, owners)
    assert index.count() == 0


def test_a_wrong_search_is_refused(make: Make) -> None:
    index = filled(make)
    with pytest.raises(InputError, match="k is at least 1; got 0"):
        index.search(ROW, 0)
    with pytest.raises(InputError, match=r"probes\[np.newaxis\]"):
        index.search(ROW[0], 1)
    with pytest.raises(InputError, match="length 0"):
        index.search(ROW * 0, 1)
    with pytest.raises(InputError, match="owners"):
        index.search(ROW, 1, owners=np.array([-3]))


def test_threads_may_search_while_others_write(make: Make) -> None:
    index = filled(make)
    wrong: list[object] = []

    def search() -> None:
        for probe in WORLD.probes[:15]:
            hits = index.search(probe[np.newaxis], 5)
            if not ((hits.ids >= 0).all() and (np.diff(hits.similarities) <= 0).all()):
                wrong.append(hits)

    def write() -> None:
        for start in range(0, 40, 8):
            part = slice(start, start + 8)
            index.delete(WORLD.ids[part])
            index.upsert(WORLD.ids[part], WORLD.vectors[part], WORLD.owners[part])

    threads = [threading.Thread(target=work) for work in (search, write, search, search)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert wrong == []
    assert index.count() == len(WORLD.ids)


def test_a_closed_index_may_be_closed_again(make: Make) -> None:
    index = filled(make)
    index.close()
    index.close()
