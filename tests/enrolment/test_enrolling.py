"""Photos of people into a collection: an outcome for each, and what was done is not done twice."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marginface.alignment import align
from marginface.enrolment import (
    Enroller,
    EnrolReport,
    EnrolSettings,
    Outcome,
    PersonPhoto,
    enrolling,
    folder_of_people,
    photos_of,
)
from marginface.errors import ContractMismatch, InputError, UnknownName
from marginface.gallery import About, Collection, Gallery
from marginface.pipeline import Recognizer
from marginface.reasons import Reason
from marginface.values import FloatArray, ImageArray
from oracles.calibrations import Table
from oracles.enrolments import FACE, write_people, write_photo
from oracles.red_faces import BlueEmbedder, photo_with_faces

SMALL = (20, 20, 70, 80)
PLAIN = EnrolSettings()


def enrol(collection: Collection, recognizer: Recognizer, folder: Path, settings: EnrolSettings = PLAIN) -> EnrolReport:
    found = folder_of_people(folder)
    return Enroller(collection, recognizer, settings).enrol(found.photos, without_photos=found.without_photos)


def outcomes(report: EnrolReport) -> dict[str, tuple[str, list[str]]]:
    return {Path(one.photo).name: (one.outcome.value, [code.value for code in one.codes]) for one in report.photos}


def test_each_photo_has_its_outcome_with_a_reason_code(people: Collection, red: Recognizer, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    write_photo(folder / "Ann" / "good.png", 10)
    write_photo(folder / "Ann" / "two.png", 10, FACE, SMALL)
    write_photo(folder / "Ann" / "far.png", 10, (20, 20, 30, 33))
    write_photo(folder / "Ann" / "gray.png", 220)
    (folder / "Ann" / "text.jpg").write_text("no photo")
    (folder / "Bob").mkdir()
    write_photo(folder / "Line\nbreak" / "name.png", 90)
    (folder / "Bad\x07name").mkdir()
    write_photo(folder / "Bad\x07name" / "bell.png", 150)
    write_photo(folder / "beside.png", 40)
    report = enrol(people, red, folder)
    assert outcomes(report) == {
        "good.png": ("enrolled", []),
        "two.png": ("refused", ["several_faces"]),
        "far.png": ("refused", ["face_too_small"]),
        "gray.png": ("refused", ["no_face"]),
        "text.jpg": ("refused", ["unreadable"]),
        "name.png": ("enrolled", []),
        "bell.png": ("refused", ["bad_name"]),
        "beside.png": ("refused", ["no_person"]),
    }
    assert (bool(report), report.exit_status, report.left_out) == (False, 3, ("Bad\x07name", "Bob"))
    assert {person.name: person.faces for person in people.people()} == {"Ann": 1, "Line break": 1}
    for one in report.photos:
        assert one.photo in one.explain()
        assert one or one.photo in one.remarks[0].text
    json.dumps(report.to_dict())


def test_a_second_run_embeds_only_what_is_new(people: Collection, red: Recognizer, tmp_path: Path) -> None:
    @dataclass
    class Counting(BlueEmbedder):
        crops: int = 0

        def features(self, crops: ImageArray) -> FloatArray:
            self.crops += len(crops)
            return super().features(crops)

    counting = Counting()
    recognizer = replace(red, embedder=counting)
    folder = write_people(tmp_path / "photos", {"Ann": (0, 3), "Bob": (60, 63, 66)})
    first = enrol(people, recognizer, folder)
    assert (first.exit_status, counting.crops) == (0, 5)
    write_people(folder, {"Ann": (6,)})
    second = enrol(people, recognizer, folder)
    assert (second.exit_status, counting.crops) == (0, 6)
    assert [second.count(one) for one in Outcome] == [1, 5, 0]
    assert {one.face for one in first.photos} < {one.face for one in second.photos}
    assert [person.faces for person in people.people()] == [3, 3]


def test_a_photo_that_is_there_twice_is_one_face(people: Collection, red: Recognizer, tmp_path: Path) -> None:
    first = write_photo(tmp_path / "a.png", 10)
    (tmp_path / "b.png").write_bytes(first.read_bytes())
    report = Enroller(people, red, EnrolSettings()).enrol(photos_of("Ann", [first, tmp_path / "b.png"]))
    assert outcomes(report) == {"a.png": ("enrolled", []), "b.png": ("known", ["same_photo"])}
    assert report.photos[0].face == report.photos[1].face
    assert report.exit_status == 0


@pytest.mark.parametrize("batch", [1, 2, 32])
def test_a_look_alike_and_a_photo_of_two_people_are_told_in_whatever_batch(
    people: Collection, red: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(enrolling, "BATCH", batch)
    recognizer = replace(red, calibration=Table(red.contract.id))
    folder = write_people(
        tmp_path / "photos", {"Ann": (0,), "Bob": (120,), "Cem": (2,), "Dov": (120,), "Eva": (200 - 1,)}
    )
    report = enrol(people, recognizer, folder)
    assert [one.outcome for one in report.photos] == [Outcome.ENROLLED] * 5
    codes = {one.person: one.codes for one in report.photos}
    assert codes["Ann"] == codes["Bob"] == codes["Eva"] == ()
    assert codes["Cem"] == (Reason.LOOKS_LIKE,)
    assert codes["Dov"] == (Reason.PHOTO_OF_ANOTHER, Reason.LOOKS_LIKE)
    cem, dov = report.photos[2], report.photos[3]
    assert [one.person for one in cem.lookalikes] == ["Ann"]
    assert cem.lookalikes[0].similarity == pytest.approx(np.cos(2 / 255 * np.pi / 2), abs=1e-3)
    assert cem.remarks[0].text == f"{cem.photo}: looks like Ann, 1.00."
    assert "the same photo is enrolled as Bob" in dov.remarks[0].text


@pytest.mark.parametrize("batch", [1, 32])
def test_a_look_alike_can_be_refused_and_does_not_count_for_those_after_it(
    people: Collection, red: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(enrolling, "BATCH", batch)
    folder = write_people(tmp_path / "photos", {"Ann": (0,), "Cem": (12,), "Eva": (33,)})
    # cosines: Ann and Cem 0.997, Cem and Eva 0.992, Ann and Eva 0.979; the threshold is 1 − 0.02 / (faces so far)
    report = enrol(people, red, folder, EnrolSettings(refuse_lookalikes=True, fpir=0.02))
    assert [one.outcome.value for one in report.photos] == ["enrolled", "refused", "enrolled"]
    assert (report.exit_status, report.left_out) == (3, ("Cem",))
    assert [person.name for person in people.people()] == ["Ann", "Eva"]


def test_where_the_data_supports_no_such_rate_a_laxer_one_is_taken_and_said(
    people: Collection, red: Recognizer, tmp_path: Path
) -> None:
    folder = write_people(tmp_path / "photos", {"Ann": (0,), "Cem": (2,)})
    report = enrol(people, replace(red, calibration=None), folder)  # the card has one rate, 1e-3
    assert report.photos[1].codes == (Reason.LOOKS_LIKE,)
    assert report.remarks == ()
    report = enrol(people, replace(red, calibration=None), folder, EnrolSettings(fpir=1e-5))
    assert report.remarks == ()  # nothing was new
    write_people(folder, {"Dov": (3,)})
    report = enrol(people, replace(red, calibration=None), folder, EnrolSettings(fpir=1e-3))
    assert report.remarks[0].startswith("Look-alikes were looked for at FPIR 0.002 instead of 0.001: a search among 2")
    write_people(folder, {"Eva": (4,)})
    report = enrol(people, replace(red, calibration=None), folder, EnrolSettings(fpir=1e-5))
    assert report.remarks[0].startswith("Look-alikes were not looked for: a search among 3")
    assert report.photos[3].outcome is Outcome.ENROLLED


def test_consent_is_recorded_of_new_people_and_of_those_who_are_there(
    people: Collection, red: Recognizer, tmp_path: Path
) -> None:
    people.add_person("Ann", About("by letter", "door", date(2027, 1, 31)))
    folder = write_people(tmp_path / "photos", {"Ann": (0,), "Bob": (60,)})
    said = About(consent="signed 2026-11-01", retain_until=date(2028, 1, 31))
    enrol(people, red, folder, EnrolSettings(about=said))
    assert people.person("Ann").about == About("signed 2026-11-01", "door", date(2028, 1, 31))
    assert people.person("Bob").about == said
    enrol(people, red, folder, EnrolSettings(about=About(purpose="canteen")))
    assert people.person("Bob").about == replace(said, purpose="canteen")


def test_the_kept_crop_is_bit_for_bit_what_the_model_saw(people: Collection, red: Recognizer, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png", 10)
    enroller = Enroller(people, red, EnrolSettings(keep_crops=True))
    (outcome,) = enroller.enrol_each([PersonPhoto("Ann", photo)])
    kept = np.asarray(Image.open(BytesIO(people.crop(outcome.face))))
    image = photo_with_faces(FACE, blue=10)
    assert np.array_equal(kept, align(image, red.detect(image)[0].landmarks))
    (face,) = people.faces("Ann")
    assert face.quality["inter_eye_distance"] == pytest.approx(40, abs=0.5)


def test_when_an_outcome_comes_the_face_is_in_the_gallery(
    people: Collection, red: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrolling, "BATCH", 2)
    folder = write_people(tmp_path / "photos", {"Ann": (0, 2, 4, 6, 8)})
    coming = Enroller(people, red, EnrolSettings()).enrol_each(folder_of_people(folder).photos)
    for number, outcome in enumerate(coming, start=1):
        assert outcome.face in {face.uid for face in people.faces("Ann")}
        if number == 3:
            break
    coming.close()
    assert len(people.faces("Ann")) == 4  # the batch of the last outcome is whole


def test_wrong_settings_are_refused_before_a_photo_is_read(
    gallery: Gallery, people: Collection, red: Recognizer
) -> None:
    with pytest.raises(UnknownName, match="face policy 'all'"):
        EnrolSettings(faces="all")
    with pytest.raises(UnknownName, match="quality gate"):
        EnrolSettings(quality="good")
    with pytest.raises(InputError, match="above 0 and below 1; got 2"):
        EnrolSettings(fpir=2)
    other = gallery.create_collection("other", contract="0" * 16, embedding_size=2)
    with pytest.raises(ContractMismatch, match="of contract 0000000000000000, this recognizer makes"):
        Enroller(other, red, EnrolSettings())


def test_a_folder_stands_for_the_photos_in_it_and_an_empty_one_is_an_error(tmp_path: Path) -> None:
    write_people(tmp_path, {"Ann": (0, 2)})
    assert [one.path.name for one in photos_of("Ann", [tmp_path / "Ann", Path("x.png")])] == [
        "000.png",
        "002.png",
        "x.png",
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no photos in this folder"):
        photos_of("Ann", [tmp_path / "empty"])
    with pytest.raises(InputError, match="no photos below this folder"):
        folder_of_people(tmp_path / "empty")


def test_the_person_is_the_first_folder_on_the_way(tmp_path: Path) -> None:
    write_photo(tmp_path / "Ann" / "2024" / "a.png", 0)
    (tmp_path / ".cache").mkdir()
    (tmp_path / "Bob").mkdir()
    found = folder_of_people(tmp_path)
    assert [(one.person, one.path.name) for one in found.photos] == [("Ann", "a.png")]
    assert found.without_photos == ("Bob",)


def test_an_empty_photo_in_memory_opens_no_file_of_its_name(
    people: Collection, red: Recognizer, tmp_path: Path
) -> None:
    there = write_photo(tmp_path / "there.png", 3)
    (outcome,) = Enroller(people, red, EnrolSettings()).enrol_each([PersonPhoto("Ann", there, b"")])
    assert outcome.outcome is Outcome.REFUSED
    assert outcome.codes == (Reason.UNREADABLE,)
