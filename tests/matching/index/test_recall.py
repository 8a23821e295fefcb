"""The recall of an index at a threshold."""

from __future__ import annotations

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.matching.index import ExactIndex, Hits, SketchIndex, recall_at
from marginface.matching.index.recall import at_similarity
from marginface.matching.index.sketch import numpy_scan
from oracles.nearest import people, unit

WORLD = people(persons=500, faces=2, size=64)


class Forgetful(ExactIndex):
    """Finds nothing with an even id unless it is asked for an exact search."""

    def search(self, probes: np.ndarray, k: int, *, owners: np.ndarray | None = None, exact: bool = False) -> Hits:
        hits = super().search(probes, k, owners=owners, exact=exact)
        return hits if exact else Hits(np.where(hits.ids % 2 == 0, -1, hits.ids), hits.similarities)


def filled(index: ExactIndex, ids: np.ndarray = WORLD.ids) -> ExactIndex:
    index.upsert(ids, WORLD.vectors, WORLD.owners)
    return index


def test_an_index_without_a_shortcut_has_recall_one() -> None:
    index = filled(ExactIndex(64))
    recall = recall_at(index, index.snapshot().sample(100), 0.8)
    assert recall is not None
    assert (recall.found, recall.asked, recall.share) == (100, 100, 1)
    assert "100.00 %" in recall.explain()
    assert recall.to_dict()["recall"] == 1


def test_what_is_missed_is_counted() -> None:
    index = filled(Forgetful(64), np.arange(len(WORLD.ids)))
    faces = index.snapshot().sample(300)
    recall = recall_at(index, faces, 0.8)
    assert recall is not None
    assert recall.found == (faces.ids % 2 == 1).sum()
    assert recall.interval.low < recall.share < recall.interval.high


def test_a_face_that_no_search_can_find_is_not_counted() -> None:
    index = filled(ExactIndex(64))
    faces = index.snapshot().sample(100)
    recall = recall_at(index, faces, 0.4, k=1)
    assert recall is not None
    assert recall.asked < 100
    assert recall.share == 1


def test_where_others_are_always_more_similar_there_is_no_recall() -> None:
    index = ExactIndex(3)
    rows = unit(np.array([[1, 0, 0], [1, 0.01, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1], [-1, 0, 0]]))
    index.upsert(np.arange(7), rows, np.arange(7))
    assert recall_at(index, index.snapshot().sample(1, seed=1), 0.01, k=1) is None


def test_fewer_candidates_miss_more_and_low_similarities_are_missed_more() -> None:
    def share(candidates: int, similarity: float) -> float:
        index = filled(SketchIndex(64, candidates=candidates, scan=numpy_scan))
        recall = recall_at(index, index.snapshot(), similarity, k=3)
        assert recall is not None
        return recall.share

    assert share(6, 0.35) < share(20, 0.35) < share(100, 0.35) <= 1
    assert share(6, 0.35) < share(6, 0.5)


def test_an_exact_search_takes_no_shortcut_and_another_does() -> None:
    probes = at_similarity(WORLD.vectors, 0.35, np.random.default_rng(0))
    index = filled(SketchIndex(64, candidates=6, scan=numpy_scan))
    best = filled(ExactIndex(64)).search(probes, 3).ids
    assert (index.search(probes, 3, exact=True).ids == best).all()
    assert 0.1 < (index.search(probes, 3).ids == best).mean() < 0.9


def test_a_probe_is_just_as_similar_as_asked() -> None:
    for similarity in (0.1, 0.5, 1.0):
        probes = at_similarity(WORLD.vectors, similarity, np.random.default_rng(0))
        np.testing.assert_allclose((probes * WORLD.vectors).sum(axis=1), similarity, atol=1e-6)


def test_a_threshold_or_a_sample_that_makes_no_sense_is_refused() -> None:
    index = filled(ExactIndex(64))
    with pytest.raises(InputError, match="got 0"):
        recall_at(index, index.snapshot(), 0)
    with pytest.raises(InputError, match="got none"):
        recall_at(index, index.snapshot().sample(0), 0.5)
