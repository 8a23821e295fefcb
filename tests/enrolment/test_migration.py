"""Another model for a collection: the kept crops are embedded anew, names and ids stay, whoever writes meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from marginface.enrolment import Enroller, EnrolSettings, Migration, folder_of_people, migration
from marginface.errors import ContractMismatch, GalleryBusy, InputError, UnknownName
from marginface.gallery import About, Collection, Gallery, NewFace
from marginface.pipeline import Recognizer
from marginface.values import Embedding, FloatArray, ImageArray
from oracles.enrolments import write_people, write_photo
from oracles.red_faces import BLUE_CARD, BlueEmbedder

BLUES = {"Ann": (0, 20), "Bob": (100, 110, 120), "Cem": (180,)}


@dataclass
class GreenEmbedder(BlueEmbedder):
    """Another model: three numbers, of the blue and of nothing."""

    crops: int = 0

    def features(self, crops: ImageArray) -> FloatArray:
        self.crops += len(crops)
        flat = super().features(crops)
        return np.column_stack([np.zeros(len(crops), np.float32), flat])


@pytest.fixture
def green(red: Recognizer) -> Recognizer:
    card = BLUE_CARD.model_copy(update={"name": "green", "sha256": "1" * 64, "embedding_size": 3})
    return replace(red, embedder=GreenEmbedder(card), calibration=None)


@pytest.fixture
def enrolled(people: Collection, red: Recognizer, tmp_path: Path) -> Collection:
    about = About("signed", "door", date(2028, 1, 31))
    folder = write_people(tmp_path / "photos", BLUES)
    Enroller(people, red, EnrolSettings(keep_crops=True, about=about)).enrol(folder_of_people(folder).photos)
    bare = write_people(tmp_path / "bare", {"Cem": (185,), "Dov": (60,)})
    Enroller(people, red, EnrolSettings()).enrol(folder_of_people(bare).photos)
    return people


def ids(collection: Collection) -> dict[str, tuple[str, str, set[str]]]:
    faces = {person.name: {face.uid for face in collection.faces(person)} for person in collection.people()}
    return {person.name: (person.uid, person.created, faces[person.name]) for person in collection.people()}


def test_names_ids_consent_and_dates_stay_and_people_without_crops_are_listed(
    gallery: Gallery, enrolled: Collection, green: Recognizer
) -> None:
    before, about = ids(enrolled), {person.name: person.about for person in enrolled.people()}
    report = Migration(gallery, enrolled, green).run()
    assert (report.people, report.faces, report.to_enrol, report.exit_status) == (4, 6, ("Dov",), 3)
    assert [(gap.person, gap.moved, gap.left) for gap in report.gaps] == [("Cem", 1, 1), ("Dov", 0, 1)]
    assert "Enrol again: Dov" in report.explain()
    now = gallery.collection()
    assert (now.name, now.contract, now.embedding_size) == ("people", green.contract.id, 3)
    after = ids(now)
    assert {person.name: person.about for person in now.people()} == about
    for name, (uid, created, faces) in before.items():
        assert after[name][:2] == (uid, created)
        assert after[name][2] <= faces
    assert {name: len(faces) for name, (_, _, faces) in after.items()} == {"Ann": 2, "Bob": 3, "Cem": 1, "Dov": 0}
    assert gallery.check().findings == ()
    assert gallery.verify_audit()


def test_the_new_embeddings_are_those_of_the_photos(
    gallery: Gallery, enrolled: Collection, green: Recognizer, tmp_path: Path
) -> None:
    Migration(gallery, enrolled, green).run()
    now = gallery.collection("people")
    for name, blues in BLUES.items():
        for blue in blues:
            photo = green.embed(tmp_path / "photos" / name / f"{blue:03d}.png")
            (best,) = now.search(photo)
            assert best.person.name == name
            assert best.similarity == pytest.approx(1, abs=1e-6)
    assert all(face.has_crop for person in now.people() for face in now.faces(person))
    old = gallery.collection(f"people.retired-{enrolled.contract}")
    assert {person.name: person.faces for person in old.people()} == {"Ann": 2, "Bob": 3, "Cem": 2, "Dov": 1}


@pytest.mark.parametrize(("usual", "share"), [(10.0, 1.0), (20.0, 0.5), (None, None)])
def test_the_feature_norm_is_a_share_of_what_is_usual_for_the_new_model(
    gallery: Gallery, enrolled: Collection, green: Recognizer, usual: float | None, share: float | None
) -> None:
    card = green.embedder.card.model_copy(update={"usual_norm": usual})
    Migration(gallery, enrolled, replace(green, embedder=GreenEmbedder(card))).run()
    found = gallery.collection("people").faces("Ann")[0].quality.get("feature_norm")
    assert found == (None if share is None else pytest.approx(share, abs=1e-4))


def test_the_old_embeddings_answer_until_the_last_moment_and_the_new_ones_after_it(
    gallery: Gallery, enrolled: Collection, red: Recognizer, green: Recognizer, tmp_path: Path
) -> None:
    photo = tmp_path / "photos" / "Bob" / "100.png"

    def asks(_done: int, _total: int) -> None:
        assert gallery.collection().search(red.embed(photo))[0].person.name == "Bob"

    Migration(gallery, enrolled, green).run(asks)
    assert gallery.collection().search(green.embed(photo))[0].person.name == "Bob"
    with pytest.raises(ContractMismatch):
        gallery.collection().search(red.embed(photo))


def test_a_migration_that_was_stopped_goes_on_where_it_was(
    gallery: Gallery, enrolled: Collection, green: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "_BATCH", 2)

    def stops(done: int, _total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Migration(gallery, enrolled, green, workers=1).run(stops)
    assert gallery.collection().contract == enrolled.contract
    again = replace(green, embedder=GreenEmbedder(green.embedder.card))
    report = Migration(gallery, gallery.collection(), again, workers=1).run()
    assert isinstance(again.embedder, GreenEmbedder)
    assert (report.faces, again.embedder.crops) == (6, 2)
    with pytest.raises(InputError, match=r"holds embeddings of contract .* already"):
        Migration(gallery, gallery.collection(), again)


def test_what_others_write_meanwhile_is_not_lost(
    gallery: Gallery,
    enrolled: Collection,
    red: Recognizer,
    green: Recognizer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(migration, "_BATCH", 2)
    settings = EnrolSettings(keep_crops=True)
    late = write_people(tmp_path / "late", {"Eva": (40,), "Ann": (5,)})
    todo = [
        lambda: Enroller(enrolled, red, settings).enrol(folder_of_people(late).photos),
        lambda: enrolled.delete("Bob"),
        lambda: enrolled.rename("Cem", "Cemal"),
    ]

    def writes(_done: int, _total: int) -> None:
        if todo:
            todo.pop(0)()

    report = Migration(gallery, enrolled, green).run(writes)
    assert todo == []
    now = gallery.collection()
    assert {person.name: person.faces for person in now.people()} == {"Ann": 3, "Cemal": 1, "Dov": 0, "Eva": 1}
    assert (report.people, report.faces) == (4, 5)


def test_who_writes_all_the_while_is_told_to_wait(
    gallery: Gallery, enrolled: Collection, green: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gallery, "replace_collection", lambda *_args, **_named: False)
    with pytest.raises(GalleryBusy, match="What was embedded is kept"):
        Migration(gallery, enrolled, green).run()


def test_a_successor_that_lags_behind_takes_no_place(gallery: Gallery, enrolled: Collection) -> None:
    gallery.create_collection("next", contract="1" * 16, embedding_size=3)
    before = ids(enrolled)
    assert not gallery.replace_collection("people", "next", retired="old")
    assert ids(gallery.collection("people")) == before
    with pytest.raises(InputError, match="has a collection 'next' already"):
        gallery.replace_collection("people", "next", retired="next")
    with pytest.raises(UnknownName):
        gallery.replace_collection("people", "none", retired="old")


def test_a_crop_that_is_none_counts_as_missing(
    gallery: Gallery, people: Collection, red: Recognizer, green: Recognizer
) -> None:
    vector = Embedding(np.array([1, 0], np.float32), red.contract.id)
    people.add_many({"Ann": [NewFace(vector, "a" * 64, crop=b"no image")]})
    report = Migration(gallery, people, green).run()
    assert report.to_enrol == ("Ann",)


def test_two_migrations_in_a_row_leave_two_old_collections(
    gallery: Gallery, enrolled: Collection, red: Recognizer, green: Recognizer, tmp_path: Path
) -> None:
    Migration(gallery, enrolled, green).run()
    Migration(gallery, gallery.collection(), red).run()
    names = {info.name for info in gallery.collections()}
    assert names == {"people", f"people.retired-{red.contract.id}", f"people.retired-{green.contract.id}"}
    assert gallery.collection().search(red.embed(write_photo(tmp_path / "x.png", 100)))[0].person.name == "Bob"


def test_a_rotated_collection_stays_rotated_and_finds_the_same(
    gallery: Gallery, red: Recognizer, green: Recognizer, tmp_path: Path
) -> None:
    rotated = gallery.create_collection("people", contract=red.contract.id, embedding_size=2, rotated=True)
    folder = write_people(tmp_path / "photos", BLUES)
    report = Enroller(rotated, red, EnrolSettings(keep_crops=True)).enrol(folder_of_people(folder).photos)
    assert report.exit_status == 0
    Migration(gallery, rotated, green).run()
    (info,) = [one for one in gallery.collections() if one.name == "people"]
    assert (info.rotated, info.contract) == (True, green.contract.id)
    (best,) = gallery.collection().search(green.embed(folder / "Bob" / "110.png"))
    assert (best.person.name, round(best.similarity, 5)) == ("Bob", 1)
