"""Photos of a person who is there, decoded elsewhere: as a service has them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from marginface.enrolment import REVIEWS, DecodedPhoto, Enroller, EnrolSettings, Outcome, PersonPhoto
from marginface.errors import InputError, UnknownGalleryName, UnknownName
from marginface.gallery import About, Collection
from marginface.images import read_image
from marginface.pipeline import Recognizer
from oracles.enrolments import write_photo


def decoded(folder: Path, *blues: int) -> list[PersonPhoto]:
    """Return photos of these shades of blue that were read before."""
    made = []
    for number, blue in enumerate(blues):
        content = write_photo(folder / f"{blue}.png", blue).read_bytes()
        photo = DecodedPhoto(read_image(content), hashlib.sha256(content).hexdigest())
        made.append(PersonPhoto("Ann", Path(f"images[{number}]"), decoded=photo))
    return made


def test_a_decoded_photo_is_the_same_photo_as_its_file(people: Collection, red: Recognizer, tmp_path: Path) -> None:
    ann = people.add_person("Ann")
    enroller = Enroller(people, red, EnrolSettings())
    report = enroller.enrol_known(ann, decoded(tmp_path, 10, 20))
    assert [one.outcome for one in report.photos] == [Outcome.ENROLLED] * 2
    assert [one.photo for one in report.photos] == ["images[0]", "images[1]"]
    again = enroller.enrol([PersonPhoto("Ann", tmp_path / "10.png")])
    assert again.photos[0].outcome is Outcome.KNOWN
    assert again.photos[0].face == report.photos[0].face


def test_who_was_erased_meanwhile_is_not_made_anew(people: Collection, red: Recognizer, tmp_path: Path) -> None:
    ann = people.add_person("Ann")
    people.erase(ann)
    with pytest.raises(UnknownGalleryName):
        Enroller(people, red, EnrolSettings()).enrol_known(ann, decoded(tmp_path, 10))
    assert people.people() == []


def test_consent_is_recorded_with_a_face_and_not_without(people: Collection, red: Recognizer, tmp_path: Path) -> None:
    ann = people.add_person("Ann", About(purpose="door"))
    enroller = Enroller(people, red, EnrolSettings(about=About("signed")))
    write_photo(tmp_path / "two.png", 10, (20, 40, 120, 160), (180, 60, 280, 180))
    refused = enroller.enrol_known(ann, [PersonPhoto("Ann", tmp_path / "two.png")])
    assert (bool(refused), people.person(ann).about) == (False, About(purpose="door"))
    enroller.enrol_known(ann, decoded(tmp_path, 10))
    assert people.person(ann).about == About("signed", "door")


def test_a_lookalike_is_told_with_the_opaque_id_of_the_other(
    people: Collection, red: Recognizer, tmp_path: Path
) -> None:
    ann, ben = people.add_person("Ann"), people.add_person("Ben")
    Enroller(people, red, EnrolSettings()).enrol_known(ann, decoded(tmp_path, 10))
    photo = PersonPhoto("Ben", Path("images[0]"), decoded=decoded(tmp_path, 11)[0].decoded)
    (told,) = Enroller(people, red, EnrolSettings()).enrol_known(ben, [photo]).photos
    assert [(one.person, one.uid) for one in told.lookalikes] == [("Ann", ann.uid)]
    strict = EnrolSettings(refuse_lookalikes=True)
    (refused,) = Enroller(people, red, strict).enrol_known(ben, [photo]).photos
    assert refused.outcome is Outcome.KNOWN  # the photo is there already; another one would be refused


def test_pixels_are_rgb(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        DecodedPhoto(read_image(write_photo(tmp_path / "a.png", 1))[..., 0], "0" * 64)


def test_a_review_is_a_gate_and_whether_lookalikes_are_refused() -> None:
    assert {name: (review.quality, review.refuse_lookalikes) for name, review in REVIEWS.items()} == {
        "off": ("off", False),
        "standard": ("standard", False),
        "strict": ("strict", True),
    }
    with pytest.raises(UnknownName, match="review"):
        REVIEWS["lax"]
