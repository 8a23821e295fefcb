from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.gallery import Collection, Faces, Gallery, NewFace
from marginface.gallery.database import transaction as transactions
from marginface.gallery.vault import Chamber
from marginface.matching.index import ExactIndex
from marginface.values import Embedding, FloatArray
from oracles.galleries import CONTRACT, SIZE, FaceMaker, PlainGallery, unit


def embedding(chance: np.random.Generator) -> Embedding:
    return Embedding(unit(chance).astype(np.float32), CONTRACT)


def rows_of(faces: Faces) -> dict[int, tuple[int, FloatArray]]:
    return {number: (owner, row) for number, owner, row in zip(faces.ids, faces.owners, faces.vectors, strict=True)}


def test_people_come_once_each_by_their_best_face(staff: Collection, face: FaceMaker) -> None:
    faces = {f"Person {number}": [face() for _ in range(1 + 40 * (number == 0))] for number in range(12)}
    staff.add_many(faces)
    plain = PlainGallery()
    plain.add_many(faces)
    chance = np.random.default_rng(1)
    probes = [embedding(chance) for _ in range(5)]
    for probe, found in zip(probes, staff.search_many(probes, 12), strict=True):
        wanted = plain.nearest(probe.vector.astype(np.float64), 12)
        assert [match.person.name for match in found] == [name for name, _ in wanted]
        np.testing.assert_allclose([match.similarity for match in found], [score for _, score in wanted], atol=1e-6)
    assert len(staff.search(probes[0], 100)) == 12
    assert staff.search_many([]) == ()
    with pytest.raises(InputError, match="k is at least 1"):
        staff.search(probes[0], 0)


def test_a_search_in_an_empty_collection_finds_nobody(staff: Collection, face: FaceMaker) -> None:
    assert staff.search(face().embedding, 3) == ()
    staff.add_person("Ann")
    assert staff.search(face().embedding, 3) == ()


def test_two_opened_galleries_see_each_others_writes_in_the_next_search(
    gallery: Gallery, staff: Collection, anywhere: str, face: FaceMaker
) -> None:
    probe = face()
    with Gallery.open(anywhere) as other:
        watched = other.collection("staff")
        assert watched.search(probe.embedding) == ()
        staff.add_many({"Ann": [probe], "Ben": [face()]})
        assert watched.search(probe.embedding)[0].person.name == "Ann"
        staff.rename("Ann", "Anna")
        assert watched.search(probe.embedding)[0].person.name == "Anna"
        staff.merge("Anna", "Ben")
        assert watched.search(probe.embedding)[0].person.name == "Ben"
        staff.delete_face(watched.search(probe.embedding)[0].face)
        assert watched.search(probe.embedding)[0].similarity < 0.99
        staff.delete("Ben")
        assert watched.search(probe.embedding) == ()
        assert other.check()


def test_a_snapshot_and_the_changes_after_it_are_the_next_snapshot(staff: Collection, face: FaceMaker) -> None:
    staff.add_many({f"Person {number}": [face()] for number in range(10)})
    before = staff.snapshot()
    staff.delete("Person 3")
    staff.merge("Person 4", "Person 5")
    staff.add_many({"New": [face(), face()]})
    changes = staff.changes_since(before)
    assert changes.complete
    held = rows_of(before)
    for number in changes.gone:
        del held[number]
    put = changes.put
    held |= rows_of(put)
    after = staff.snapshot()
    assert sorted(held) == after.ids.tolist()
    assert [held[number][0] for number in after.ids] == after.owners.tolist()
    np.testing.assert_array_equal(np.stack([held[number][1] for number in after.ids]), after.vectors)
    assert len(staff.changes_since(put).put) == len(staff.changes_since(put).gone) == 0


def test_who_is_too_far_behind_reads_all_faces_anew(
    shelf: Collection, face: FaceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "_TRIMMED_EVERY", 1)
    monkeypatch.setattr(transactions, "KEPT_CHANGES", 5)
    monkeypatch.setattr("marginface.gallery.search.vectors.KEPT_CHANGES", 5)
    start = shelf.snapshot()
    probe = face()
    shelf.search(probe.embedding)
    shelf.add_many({"Ann": [probe, *(face() for _ in range(9))]})
    changes = shelf.changes_since(start)
    assert not changes.complete
    assert len(changes.put) == 10
    assert shelf.search(probe.embedding)[0].person.name == "Ann"
    assert shelf.changes_since(shelf.snapshot()).complete


def test_an_index_that_already_holds_other_faces_is_brought_to_the_truth(tmp_path: Path, face: FaceMaker) -> None:
    kept: list[ExactIndex] = []

    def in_a_server(chamber: Chamber, size: int) -> ExactIndex:
        index = kept[0] if kept else ExactIndex(chamber.embedding_size, size)
        kept[:] = [index]
        return index

    probe = face()
    with Gallery.create(tmp_path / "people.db", index=in_a_server) as gallery:
        staff = gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE)
        staff.add_many({"Ann": [probe], "Ben": [face()]})
        staff.search(probe.embedding)
        stray = unit(np.random.default_rng(5)).astype(np.float32)[np.newaxis]
        kept[0].upsert(np.array([999]), stray, np.array([9]))
        gallery._live.clear()
        assert gallery.collection().search(probe.embedding)[0].person.name == "Ann"
        assert kept[0].snapshot().ids.tolist() == [1, 2]
        assert gallery.check()
        kept[0].delete(np.array([1]))
        report = gallery.check()
        assert report.findings == ("index of staff: holds 1 face, the gallery 2, and not the same",)


def test_an_address_of_vectors_says_where_the_truth_is(tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    with Gallery.create(path):
        pass
    with pytest.raises(InputError, match=r"Say which: qdrant://server:6333\?truth=people.db"):
        Gallery.open("qdrant://server:6333")
    index = lambda chamber, size: ExactIndex(chamber.embedding_size, size)  # noqa: E731
    with Gallery.open(f"qdrant://server:6333?truth={path}", index=index) as gallery:
        assert gallery.address == str(path)


def test_threads_that_enrol_and_search_one_gallery_at_once_agree_in_the_end(
    gallery: Gallery, staff: Collection, face: FaceMaker
) -> None:
    faces = {f"Person {number}": [face()] for number in range(24)}
    lock = threading.Lock()

    def work(item: tuple[str, list[NewFace]]) -> str:
        staff.add_many(dict([item]))
        found = staff.search(item[1][0].embedding)[0].person.name
        with lock:
            return found

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, faces.items())) == list(faces)
    assert len(staff.snapshot()) == 24
    assert gallery.check()
