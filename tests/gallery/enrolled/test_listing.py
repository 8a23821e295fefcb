"""A collection by the page, by itself, and under another actor's name."""

from __future__ import annotations

from datetime import date

import pytest

from marginface.errors import CollectionGoneError, InputError, TakenName, UnknownGalleryName
from marginface.gallery import About, Collection, Gallery


def test_pages_have_everybody_once_in_the_order_they_came(staff: Collection) -> None:
    added = [staff.add_person(f"Person {(7 * number) % 11}") for number in range(11)]
    seen, last = [], 0
    while page := staff.people_after(last, 4):
        seen += page
        last = page[-1].id
    assert [person.uid for person in seen] == [person.uid for person in added]


@pytest.mark.parametrize("read_at_once", [1, 3, 500])
def test_a_text_is_found_in_names_whatever_its_case(
    shelf: Collection, monkeypatch: pytest.MonkeyPatch, read_at_once: int
) -> None:
    monkeypatch.setattr("marginface.gallery.enrolled.listing._READ_AT_ONCE", read_at_once)
    for name in ("Ann", "Ben", "Hannes", "ANNE", "Cem", "Joanna"):
        shelf.add_person(name)
    first = shelf.people_after(0, 2, named="aNN")
    assert [person.name for person in first] == ["Ann", "Hannes"]
    assert [person.name for person in shelf.people_after(first[-1].id, 9, named="aNN")] == ["ANNE", "Joanna"]


def test_a_page_has_somebody(shelf: Collection) -> None:
    with pytest.raises(InputError, match="at least 1"):
        shelf.people_after(0, 0)


def test_info_stats_and_check_are_of_one_collection(file_gallery: Gallery, shelf: Collection) -> None:
    file_gallery.create_collection("visitors", contract=shelf.contract, embedding_size=8)
    shelf.add_person("Ann", About(retain_until=date(2020, 1, 1)))
    assert shelf.info() == next(info for info in file_gallery.collections() if info.name == "staff")
    whole = {stats.info.name: stats for stats in file_gallery.stats().collections}
    assert shelf.stats() == whole["staff"]
    assert shelf.check() == ()


def test_check_finds_what_is_wrong_in_this_collection_alone(file_gallery: Gallery, shelf: Collection) -> None:
    other = file_gallery.create_collection("visitors", contract=shelf.contract, embedding_size=8)
    shelf.add_person("Ann")
    other.add_person("Ben")
    with file_gallery._vault.writing() as transaction:
        transaction.connection.exec_driver_sql("UPDATE people SET details = x'00' WHERE collection_id = 1")
    assert len(shelf.check()) == 1
    assert other.check() == ()


def test_a_change_is_made_in_one_write(shelf: Collection) -> None:
    shelf.add_person("Ben")
    ann = shelf.add_person("Ann", About("signed", "door", date(2030, 1, 31)))
    changed = shelf.revise(ann, "Anne", {"purpose": "gate"})
    assert (changed.uid, changed.name, changed.about) == (ann.uid, "Anne", About("signed", "gate", date(2030, 1, 31)))
    with pytest.raises(TakenName):
        shelf.revise(ann, "Ben", {"consent": "none"})
    assert shelf.person(ann).about == changed.about
    assert shelf.revise(ann, None, {"retain_until": None}).about == About("signed", "gate")
    with pytest.raises(InputError, match="uid"):
        shelf.revise(ann, None, {"uid": "p-0"})


def test_an_opaque_id_is_its_owner_whoever_is_called_so(shelf: Collection) -> None:
    ann = shelf.add_person("Ann")
    shadow = shelf.add_person(ann.uid)
    assert shelf.person(ann.uid) == ann
    assert shelf.person(shadow.uid).name == ann.uid
    unknown = shelf.add_person("p-0123456789abcdef")
    assert shelf.person("p-0123456789abcdef").uid == unknown.uid


def test_an_unknown_name_has_a_brief_word_that_names_nobody(file_gallery: Gallery, shelf: Collection) -> None:
    shelf.add_person("Ann Example")
    with pytest.raises(UnknownGalleryName, match="Did you mean 'Ann Example'") as person:
        shelf.person("Anne Example")
    assert person.value.brief == "staff has no person 'Anne Example'"
    with pytest.raises(UnknownGalleryName, match="Known: staff") as collection:
        file_gallery.collection("stuff")
    assert collection.value.brief == "there is no collection 'stuff'"


def test_another_actor_shares_everything_but_the_name_in_the_audit(file_gallery: Gallery, shelf: Collection) -> None:
    other = file_gallery.acting("key 3f9a")
    staff, visitors = (
        other.collection("staff"),
        file_gallery.create_collection("visitors", contract=shelf.contract, embedding_size=shelf.embedding_size),
    )
    staff.add_person("Ann")
    assert staff.move("Ann", visitors).collection == "visitors"
    actors = [(entry.action, entry.actor) for entry in file_gallery.audit(3)]
    assert actors[1:] == [("add-person", "key 3f9a"), ("move-person", "key 3f9a")]


def test_a_collection_that_was_erased_says_so(file_gallery: Gallery, shelf: Collection) -> None:
    file_gallery.erase_collection("staff")
    with pytest.raises(CollectionGoneError):
        shelf.people()


def test_the_audit_is_read_backwards_from_any_entry(file_gallery: Gallery, shelf: Collection) -> None:
    for number in range(5):
        shelf.add_person(f"Person {number}")
    whole = file_gallery.audit(100)
    assert file_gallery.audit(2, before=whole[-1].seq) == whole[-3:-1]
    assert file_gallery.audit(2, before=1) == ()


def test_the_opaque_id_of_a_collection_is_its_own_whatever_others_are_called(
    file_gallery: Gallery, shelf: Collection
) -> None:
    file_gallery.create_collection(shelf.uid, contract=shelf.contract, embedding_size=shelf.embedding_size)
    assert file_gallery.collection(shelf.uid).name == "staff"


def test_a_collection_knows_that_it_has_lost_somebody(gallery: Gallery, staff: Collection) -> None:
    visitors = gallery.create_collection("visitors", contract=staff.contract, embedding_size=staff.embedding_size)
    for name in ("Ann", "Ben", "Cem"):
        staff.add_person(name)
    for lose in (lambda: staff.erase("Ann"), lambda: staff.delete("Ben"), lambda: staff.move("Cem", visitors)):
        before = gallery.audit(1)[0].seq
        assert not staff.has_lost_since(before)
        lose()
        assert staff.has_lost_since(before)
        assert not visitors.has_lost_since(before)
