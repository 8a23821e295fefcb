"""The verbs of a collection, in a file and in a PostgreSQL server."""

from __future__ import annotations

import random
import unicodedata
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginface.errors import ContractMismatch, GalleryError, InputError, UnknownName
from marginface.gallery import About, Collection, Gallery, NewFace
from marginface.gallery.names import checked_name
from marginface.values import Embedding
from oracles.galleries import CONTRACT, OTHER_CONTRACT, SIZE, FaceMaker, PlainGallery, sha, state_of, unit


def test_a_person_is_found_by_name_id_and_answer_and_keeps_what_is_recorded(staff: Collection) -> None:
    about = About("signed on paper, 2026-03-01", "the door of the lab", date(2027, 1, 31))
    added = staff.add_person("Zoë  Example", about)
    assert added.name == "Zoë Example"
    for who in ("Zoë Example", unicodedata.normalize("NFD", "Zoë Example"), added.uid, added):
        assert staff.person(who) == added
    assert staff.person(added).about == about
    assert added.uid.startswith("p-")
    assert "Zo" not in added.uid
    with pytest.raises(InputError, match="has a person 'Zoë Example' already"):
        staff.add_person("Zoë Example")


def test_an_unknown_person_is_answered_with_the_near_one(staff: Collection) -> None:
    staff.add_person("Ann Example")
    with pytest.raises(UnknownName, match=r"no person 'Anne Example'. Did you mean 'Ann Example'"):
        staff.person("Anne Example")
    assert not staff.has_person("Anne Example")
    assert staff.has_person(" Ann  Example ")


def test_the_same_photo_enrolled_twice_is_one_face(staff: Collection, face: FaceMaker) -> None:
    staff.add_person("Ann")
    first = face("one.jpg")
    assert staff.add_face("Ann", first)
    again = staff.add_face("Ann", first)
    assert not again
    assert again.uid == staff.faces("Ann")[0].uid
    one, two, three = staff.add_faces("Ann", [face("two.jpg"), face("two.jpg"), face("one.jpg")])
    assert (bool(one), bool(two), bool(three)) == (True, False, False)
    assert one.uid == two.uid
    assert three.uid == again.uid
    assert [found.photo for found in staff.faces("Ann")] == [sha("one.jpg"), sha("two.jpg")]


def test_a_photo_of_two_people_is_a_face_of_each_and_is_found(staff: Collection, face: FaceMaker) -> None:
    staff.add_many({"Ann": [face("both.jpg")], "Ben": [face("both.jpg")]})
    found = staff.find_photo(sha("both.jpg"))
    assert [person.name for person, _ in found] == ["Ann", "Ben"]
    assert staff.find_photo(sha("none.jpg")) == []


def test_without_a_photo_the_same_vector_is_one_face(staff: Collection) -> None:
    staff.add_person("Ann")
    vector = unit(np.random.default_rng(0)).astype(np.float32)
    assert staff.add_face("Ann", NewFace(Embedding(vector, CONTRACT)))
    assert not staff.add_face("Ann", NewFace(Embedding(vector, CONTRACT)))
    assert staff.faces("Ann")[0].photo.startswith("vector:")


def test_quality_and_crop_come_back_and_what_is_no_number_does_not(staff: Collection, face: FaceMaker) -> None:
    staff.add_person("Ann")
    crop = bytes(range(256)) * 100
    given = face()
    answer = staff.add_face(
        "Ann", NewFace(given.embedding, given.photo, {"sharpness": 0.25, "norm": float("nan")}, crop)
    )
    (found,) = staff.faces("Ann")
    assert (dict(found.quality), found.has_crop, found.person) == ({"sharpness": 0.25}, True, staff.person("Ann").uid)
    assert staff.crop(answer.uid) == crop
    plain = staff.add_face("Ann", face())
    assert staff.crop(plain.uid) == b""


def test_an_embedding_of_another_contract_or_size_is_refused_and_nothing_of_it_stays(
    staff: Collection, face: FaceMaker
) -> None:
    staff.add_person("Ann")
    with pytest.raises(ContractMismatch, match=f"contract {CONTRACT} .*got one of {OTHER_CONTRACT}"):
        staff.add_faces("Ann", [face(), face(contract=OTHER_CONTRACT)])
    with pytest.raises(ContractMismatch, match=r"\(8 numbers\)"):
        staff.add_many({"Ben": [face(size=8)]})
    assert state_of(staff) == {"Ann": set()}
    staff.add_face("Ann", face())
    with pytest.raises(ContractMismatch):
        staff.search(face(contract=OTHER_CONTRACT).embedding)


def test_rename_and_describe(staff: Collection, face: FaceMaker) -> None:
    staff.add_many({"Ann": [face()], "Ben": []})
    renamed = staff.rename("Ann", "Anna")
    assert (renamed.name, renamed.faces) == ("Anna", 1)
    assert staff.person("Anna").uid == renamed.uid
    with pytest.raises(UnknownName):
        staff.person("Ann")
    with pytest.raises(InputError, match="merge the two if they are one person"):
        staff.rename("Anna", "Ben")
    staff.describe("Anna", About("by mail"))
    assert staff.person("Anna").about == About("by mail")
    assert staff.rename("Anna", "Anna").about == About("by mail")


def test_merge_keeps_the_faces_of_both_each_photo_once_and_the_earlier_date(staff: Collection, face: FaceMaker) -> None:
    staff.add_many({"Ann": [face("a"), face("both"), face("b", crop=b"crop")], "Anna": [face("both"), face("c")]})
    staff.describe("Ann", About("old", retain_until=date(2027, 1, 1)))
    staff.describe("Anna", About("new", retain_until=date(2028, 1, 1)))
    merged = staff.merge("Ann", "Anna")
    assert (merged.name, merged.faces, merged.about) == ("Anna", 4, About("new", retain_until=date(2027, 1, 1)))
    assert state_of(staff) == {"Anna": {sha("a"), sha("both"), sha("b"), sha("c")}}
    assert [staff.crop(one.uid) for one in staff.faces("Anna") if one.has_crop] == [b"crop"]
    with pytest.raises(InputError, match="themselves"):
        staff.merge("Anna", "Anna")


def test_move_a_person_and_a_face_to_another_collection_of_the_same_contract(
    gallery: Gallery, staff: Collection, face: FaceMaker
) -> None:
    visitors = gallery.create_collection("visitors", contract=CONTRACT, embedding_size=SIZE, rotated=True)
    probe = face("a", crop=b"crop")
    staff.add_many({"Ann": [probe], "Ben": [face("b"), face("c")]})
    staff.search(probe.embedding)
    visitors.search(probe.embedding)
    moved = staff.move("Ann", visitors)
    assert moved.collection == "visitors"
    assert not staff.has_person("Ann")
    (match,) = visitors.search(probe.embedding)
    assert match.person.name == "Ann"
    assert match.similarity == pytest.approx(1, abs=1e-6)
    assert visitors.crop(match.face) == b"crop"
    assert [found.person.name for found in staff.search(probe.embedding, 5)] == ["Ben"]
    uid = staff.faces("Ben")[0].uid
    assert staff.move_face(uid, "Ann", visitors).faces == 2
    assert state_of(staff) == {"Ben": {sha("c")}}
    assert state_of(visitors) == {"Ann": {sha("a"), sha("b")}}
    assert gallery.check(), gallery.check().explain()


def test_a_move_that_cannot_be_is_refused_and_changes_nothing(
    gallery: Gallery, staff: Collection, face: FaceMaker, tmp_path: Path
) -> None:
    other = gallery.create_collection("other model", contract=OTHER_CONTRACT, embedding_size=SIZE)
    visitors = gallery.create_collection("visitors", contract=CONTRACT, embedding_size=SIZE)
    staff.add_many({"Ann": [face("a")]})
    visitors.add_person("Ann")
    with pytest.raises(ContractMismatch, match="Enrol the photos again"):
        staff.move("Ann", other)
    with pytest.raises(InputError, match="collection visitors has a person 'Ann'"):
        staff.move("Ann", visitors)
    with pytest.raises(InputError, match="in collection staff already"):
        staff.move("Ann", staff)
    with (
        Gallery.create(tmp_path / "elsewhere.db") as elsewhere,
        pytest.raises(InputError, match="by export and import"),
    ):
        staff.move("Ann", elsewhere.create_collection("x", contract=CONTRACT, embedding_size=SIZE))
    assert state_of(staff) == {"Ann": {sha("a")}}
    assert gallery.check()


def test_delete_a_face_and_a_person(staff: Collection, face: FaceMaker) -> None:
    staff.add_many({"Ann": [face("a"), face("b")], "Ben": [face("c")]})
    first = staff.faces("Ann")[0]
    assert staff.delete_face(first.uid).faces == 1
    assert state_of(staff)["Ann"] == {sha("b")}
    with pytest.raises(UnknownName, match="no face"):
        staff.delete_face(first.uid)
    assert staff.delete("Ben").name == "Ben"
    assert state_of(staff) == {"Ann": {sha("b")}}


def test_a_face_deleted_and_enrolled_again_is_another_face_with_a_new_number(
    staff: Collection, face: FaceMaker
) -> None:
    staff.add_many({"Ann": [face("a")]})
    before = staff.faces("Ann")[0]
    staff.delete("Ann")
    staff.add_many({"Ann": [face("a")]})
    after = staff.faces("Ann")[0]
    assert after.id > before.id
    assert after.uid != before.uid


@pytest.mark.parametrize(
    "name",
    ["", "   ", ".", " .. ", "a\x00b", "line\nbreak\x07", "x" * 201, "\udcff", "right\u202eto left", "zero\u200bwidth"],
)
def test_a_name_that_cannot_be_read_is_refused(staff: Collection, name: str) -> None:
    with pytest.raises(InputError, match="a name"):
        staff.add_person(name)
    assert staff.people() == []


@pytest.mark.parametrize(
    "name", ["O'Brien; DROP TABLE people", "李小龍", "مهسا می‌خواهد", "👩‍🔬 Zoe", "Ünï-cödé", "%_*"]
)
def test_a_name_in_any_script_comes_back(staff: Collection, name: str) -> None:
    staff.add_person(name)
    assert [person.name for person in staff.people()] == [checked_name(name)]
    assert staff.person(name).name == checked_name(name)


@given(st.text(max_size=60))
def test_a_name_is_refused_or_has_one_form(name: str) -> None:
    try:
        clean = checked_name(name)
    except InputError:
        return
    assert checked_name(clean) == clean == checked_name(unicodedata.normalize("NFD", clean))
    assert clean.encode().decode() == clean


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"photo": "abc"}, "sha256 of a photo"),
        ({"photo": "A" * 64}, "lower case"),
        ({"quality": {"sharpness": "good"}}, "numbers by name"),
        ({"quality": {"sharp": True}}, "numbers by name"),
    ],
)
def test_a_face_that_is_not_as_described_is_refused(values: dict[str, object], message: str) -> None:
    embedding = Embedding(unit(np.random.default_rng(0)).astype(np.float32), CONTRACT)
    with pytest.raises(InputError, match=message):
        NewFace(embedding, **values)  # type: ignore[arg-type]


def test_what_is_recorded_is_checked() -> None:
    with pytest.raises(InputError, match="at most 2,000 characters"):
        About(consent="x" * 2001)
    with pytest.raises(InputError, match="retain_until is a date"):
        About(retain_until="2027-01-01")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"contract": "sface"}, "16 hex digits"),
        ({"embedding_size": 0}, "from 1 to"),
        ({"embedding_size": True}, "from 1 to"),
        ({"name": "\n"}, "name of a collection"),
    ],
)
def test_a_collection_is_checked(file_gallery: Gallery, values: dict[str, object], message: str) -> None:
    about = {"name": "staff", "contract": CONTRACT, "embedding_size": 4, **values}
    with pytest.raises(InputError, match=message):
        file_gallery.create_collection(about.pop("name"), **about)  # type: ignore[arg-type]
    assert file_gallery.collections() == []


def test_collections_are_found_by_name_or_alone(gallery: Gallery) -> None:
    with pytest.raises(UnknownName, match="no collection yet"):
        gallery.collection()
    staff = gallery.create_collection("staff", contract=CONTRACT, embedding_size=4)
    assert gallery.collection().uid == staff.uid == gallery.collection(staff.uid).uid
    gallery.create_collection("visitors", contract=CONTRACT, embedding_size=4)
    with pytest.raises(
        UnknownName, match=r"say which \(on the command line: --collection NAME\)\. Known: staff, visitors"
    ):
        gallery.collection()
    with pytest.raises(UnknownName, match="Did you mean 'staff'"):
        gallery.collection("stuff")
    with pytest.raises(InputError, match="a collection 'staff' already"):
        gallery.create_collection("staff", contract=CONTRACT, embedding_size=4)
    assert gallery.rename_collection("staff", "crew").name == staff.name == "crew"
    with pytest.raises(InputError, match="already"):
        gallery.rename_collection("crew", "visitors")


def test_a_collection_that_was_erased_is_gone_for_who_still_holds_it(
    gallery: Gallery, staff: Collection, face: FaceMaker
) -> None:
    staff.add_many({"Ann": [face()]})
    receipt = gallery.erase_collection("staff")
    assert receipt, receipt.explain()
    assert (len(receipt.people), receipt.faces) == (1, 1)
    with pytest.raises(GalleryError, match="is gone"):
        staff.people()
    assert gallery.collections() == []
    assert gallery.check()


def test_any_sequence_of_verbs_leaves_what_plain_dictionaries_hold(
    gallery: Gallery, staff: Collection, face: FaceMaker
) -> None:
    chance, probes = random.Random(3), np.random.default_rng(3)
    plain, names = PlainGallery(), iter(f"Person {number}" for number in range(1000))
    for step in range(60):
        known = list(plain.people)
        verb = chance.choice(["add", "add", "add", "delete", "rename", "merge", "erase"]) if len(known) > 3 else "add"
        if verb == "add":
            chosen = [next(names) for _ in range(chance.randint(1, 3))] + chance.sample(known, min(len(known), 1))
            faces = {name: [face(f"photo {chance.randrange(40)}") for _ in range(3)] for name in chosen}
            staff.add_many(faces)
            plain.add_many(faces)
        elif verb == "rename":
            old, new = chance.choice(known), next(names)
            staff.rename(old, new)
            plain.rename(old, new)
        elif verb == "merge":
            source, target = chance.sample(known, 2)
            staff.merge(source, target)
            plain.merge(source, target)
        else:
            name = chance.choice(known)
            (staff.erase if verb == "erase" else staff.delete)(name)
            plain.delete(name)
        probe = unit(probes)
        found = staff.search(Embedding(probe.astype(np.float32), CONTRACT), 4)
        wanted = plain.nearest(probe, 4)
        np.testing.assert_allclose([match.similarity for match in found], [score for _, score in wanted], atol=1e-6)
        assert [match.person.name for match in found] == [name for name, _ in wanted], step
    assert state_of(staff) == plain.state()
    assert gallery.check(), gallery.check().explain()
