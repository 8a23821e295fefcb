"""People: enrol with reasons, find in a group photo, merge, move, erase with a receipt. One after the other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marginface.gallery import Gallery
from oracles.browsed import Visit

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]
Draw = Callable[..., Path]


def enrol(visit: Visit, name: str, *photos: Path) -> None:
    """Enrol somebody into the collection people."""
    page = visit.open("people/people/enrol")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Consent").fill("signed 2026-03-01")
    page.get_by_label("Purpose").fill("door of the lab")
    page.get_by_label("Kept until").fill("2030-01-31")
    page.locator(".picker input[type=file]:not([capture])").set_input_files(list(photos))
    page.get_by_label("Keep the aligned crops, sealed").check()
    page.get_by_label("Review").select_option("off")
    page.get_by_role("button", name="Enrol", exact=True).click()
    visit.settle()


def test_people_are_enrolled_with_consent_and_poor_photos_refused_with_reasons(
    visit: Visit, drawn: Draw, tmp_path: Path
) -> None:
    Image.fromarray(np.full((300, 300, 3), 120, np.uint8)).save(tmp_path / "wall.png")
    enrol(visit, "Ann Example", drawn(0, 0), tmp_path / "wall.png", drawn(0, 1))
    page = visit.page
    visit.sees("2 faces of 3 photos enrolled.")
    refused = page.locator(".outcome").nth(1)
    assert "wall.png" in refused.inner_text()
    assert "Refused" in refused.inner_text()
    assert "No face found" in refused.inner_text()
    page.get_by_role("link", name="Ann Example").click()
    visit.settle()
    assert page.get_by_role("heading", name="Ann Example").is_visible()
    visit.sees("signed 2026-03-01")
    visit.sees("31 Jan 2030")
    crops = page.locator(".faces img.crop")
    crops.nth(1).wait_for()
    assert crops.first.evaluate("one => one.naturalWidth") == 112


def test_when_every_photo_is_refused_other_photos_can_be_added(visit: Visit, drawn: Draw, tmp_path: Path) -> None:
    Image.fromarray(np.full((300, 300, 3), 120, np.uint8)).save(tmp_path / "wall.png")
    enrol(visit, "Ben Example", tmp_path / "wall.png")
    page = visit.page
    visit.sees("No face was enrolled.")
    assert page.get_by_label("Name").is_disabled(), "who was made is not named anew by what is written now"
    page.get_by_role("button", name=re.compile("Remove photo 1")).click()
    page.locator(".picker input[type=file]:not([capture])").set_input_files(drawn(1, 0))
    page.get_by_role("button", name="Enrol", exact=True).click()
    visit.settle()
    visit.sees("1 face of 1 photo enrolled.")


def test_people_are_exported_sealed_by_a_passphrase(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("people/people")
    page.get_by_role("link", name="Export").click()
    page.get_by_label("Only some").check()
    page.get_by_label("Find people by name").fill("Ann")
    page.get_by_label("Ann Example", exact=True).check()
    assert page.get_by_role("button", name="Leave out Ann Example").is_visible()
    page.get_by_label("Passphrase", exact=True).fill("correct horse battery")
    page.get_by_label("The same again").fill("correct horse")
    page.get_by_role("button", name="Make and save the archive").click()
    visit.sees("The two passphrases differ.")
    page.get_by_label("The same again").fill("correct horse battery")
    with page.expect_download() as download:
        page.get_by_role("button", name="Make and save the archive").click()
    assert re.fullmatch(r"marginface-people-\d{4}-\d\d-\d\d\.archive", download.value.suggested_filename)
    visit.sees("is saved: 1 person,")
    assert page.get_by_label("Passphrase", exact=True).input_value() == ""
    with Gallery.create(tmp_path / "other.db", sealed=False) as other:
        other.import_archive(Path(download.value.path()), passphrase="correct horse battery")
        assert [person.name for person in other.collection("people").people()] == ["Ann Example"]


def test_a_short_passphrase_is_refused_with_what_to_do(visit: Visit) -> None:
    visit.expected_errors.append("422")
    page = visit.open("people/people/export")
    for label in ("Passphrase", "The same again"):
        page.get_by_label(label, exact=True).fill("short")
    page.get_by_role("button", name="Make and save the archive").click()
    page.get_by_role("alert").get_by_text("at least 8 characters").wait_for()


def test_one_person_is_exported_from_their_own_view(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("people/people")
    page.get_by_role("link", name="Ann Example").click()
    page.get_by_role("link", name="Export").click()
    page.get_by_role("button", name="Leave out Ann Example").wait_for()
    page.get_by_role("button", name="Make one up").click()
    secret = page.get_by_label("Passphrase", exact=True).input_value()
    assert re.fullmatch(r"([a-z2-9]{4}-){5}[a-z2-9]{4}", secret)
    with page.expect_download() as download:
        page.get_by_role("button", name="Make and save the archive").click()
    with Gallery.create(tmp_path / "other.db", sealed=False) as other:
        assert other.import_archive(Path(download.value.path()), passphrase=secret).people == 1


def test_people_are_searched_by_name(visit: Visit) -> None:
    page = visit.open("people/people")
    assert page.get_by_role("row").count() == 3
    page.get_by_label("Search by name").fill("ben")
    page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 1")
    assert page.get_by_role("link", name="Ben Example").is_visible()
    page.get_by_label("Search by name").fill("nobody")
    visit.sees("Nobody in people has “nobody” in the name.")


def test_names_stand_on_a_group_photo(visit: Visit, drawn: Draw) -> None:
    page = visit.open("identify")
    page.locator(".picker input[type=file]:not([capture])").set_input_files(drawn((0, 1, 2), 0))
    visit.settle()
    tags = page.locator(".photo .tag")
    tags.nth(2).wait_for()
    names = " ".join(tags.all_inner_texts())
    assert "Ann Example" in names
    assert "Ben Example" in names
    assert (
        page.get_by_role("table", name=re.compile("Candidates"))
        .get_by_role("link", name="Ann Example")
        .first.is_visible()
    )
    assert "%" in page.locator("caption .hint").inner_text()


def test_a_name_and_the_last_day_are_changed(visit: Visit) -> None:
    page = visit.open("people/people")
    page.get_by_role("link", name="Ben Example").click()
    page.get_by_role("button", name="Change").click()
    dialog = page.get_by_role("dialog", name="Change Ben Example")
    dialog.get_by_label("Name").fill("Benjamin Example")
    dialog.get_by_label("Kept until").fill("")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Benjamin Example").wait_for()
    visit.sees("erased by hand")


def test_a_face_is_given_to_another_person_and_deleted(visit: Visit) -> None:
    page = visit.open("people/people")
    page.get_by_role("link", name="Ann Example").click()
    page.get_by_role("button", name="Give face 2 to another person").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Benjamin Example").check()
    dialog.get_by_role("button", name="Give it").click()
    visit.sees("1 face in people.")


def test_a_new_collection_is_made_and_a_person_moves_there(visit: Visit) -> None:
    page = visit.open("people/people")
    page.get_by_role("button", name="New collection").click()
    page.get_by_role("dialog").get_by_label("Name").fill("visitors")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("heading", name="Nobody here yet").wait_for()
    visit.open("people/people")
    page.get_by_role("link", name="Benjamin Example").click()
    page.get_by_role("button", name="Move to another collection").click()
    page.get_by_role("dialog").get_by_role("button", name="Move").click()
    visit.sees("2 faces in visitors.")


def test_two_names_of_one_person_are_merged(visit: Visit, drawn: Draw) -> None:
    enrol(visit, "A. Example", drawn(0, 2))
    page = visit.page
    page.get_by_role("link", name="A. Example", exact=True).first.click()
    page.get_by_role("button", name="Merge into another person").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Merge").click()
    assert dialog.get_by_text("Choose a person of the list first.").is_visible()
    dialog.get_by_label("Search by name").fill("Ann")
    dialog.get_by_label("Ann Example").check()
    dialog.get_by_role("button", name="Merge").click()
    page.get_by_role("heading", name="Ann Example").wait_for()
    visit.sees("2 faces in people.")


def test_erasing_gives_a_receipt_that_can_be_kept(visit: Visit) -> None:
    page = visit.open("people/people")
    page.get_by_role("link", name="Ann Example").click()
    page.get_by_role("button", name="Erase this person").click()
    question = page.get_by_role("dialog", name="Erase Ann Example for good?")
    page.keyboard.press("Escape")
    question.wait_for(state="detached")
    assert page.evaluate("() => document.activeElement.textContent") == "Erase this person"
    page.get_by_role("button", name="Erase this person").click()
    page.get_by_role("button", name="Erase for good").click()
    receipt = page.get_by_role("dialog", name="Receipt of the erasure")
    receipt.wait_for()
    assert "1 person, 2 faces, 2 crops" in receipt.inner_text()
    assert re.search(r"people\.db: .* searched, 0 pieces found", receipt.inner_text())
    with page.expect_download() as download:
        receipt.get_by_role("link", name="Download the receipt").click()
    kept = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert kept["complete"] is True
    assert "Ann" not in json.dumps(kept)
    receipt.get_by_role("button", name="Close").click()
    visit.sees("Nobody here yet")


def test_a_collection_is_erased_only_by_who_writes_its_name(visit: Visit) -> None:
    page = visit.open("people/people")
    page.get_by_role("button", name="New collection").click()
    page.get_by_role("dialog").get_by_label("Name").fill("front-door (2)")
    page.get_by_role("button", name="Make it").click()
    page.get_by_text("About front-door (2)").click()
    page.get_by_role("button", name="Erase the collection").click()
    dialog = page.get_by_role("dialog", name="Erase front-door (2) with everyone in it?")
    word = dialog.get_by_label("Write “front-door (2)” to confirm")
    word.fill("front")
    assert word.evaluate("one => one.validity.patternMismatch")
    word.fill("front-door (2)")
    assert word.evaluate("one => one.validity.valid")
    dialog.get_by_role("button", name="Erase for good").click()
    page.get_by_role("dialog", name="Receipt of the erasure").get_by_role("button", name="Close").click()
    page.get_by_role("link", name=re.compile("^front-door")).wait_for(state="detached")


def test_the_chain_of_the_audit_holds_and_tells_what_was_done(visit: Visit) -> None:
    page = visit.open("health")
    page.get_by_role("button", name="Check the chain").click()
    visit.sees("The chain holds")
    page.get_by_text("Who did what").click()
    entries = page.get_by_role("region", name="Entries, the newest first")
    entries.wait_for()
    assert "Erase" in entries.inner_text()
    assert "Ann" not in entries.inner_text()
    page.get_by_role("button", name="Check visitors").click()
    visit.sees("All is well: every record opens and fits.")
