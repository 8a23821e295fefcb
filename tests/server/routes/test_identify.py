"""Identification over HTTP: the answers are those of the Recognizer among a collection's people."""

from __future__ import annotations

import pytest

from marginface.enrolment import CollectionPeople
from marginface.gallery import Gallery
from marginface.server.settings import ServerSettings
from oracles.enrolments import red_recognizer
from oracles.served import png_of
from oracles.staff import STAFF, Staff


def test_identify_gives_what_the_recognizer_says(staff: Staff, settings: ServerSettings) -> None:
    content = png_of(11)
    told = staff.client.post(f"{STAFF}/identify", files={"image": content}, data={"fpir": "0.02", "most": "2"}).json()
    with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
        found = red_recognizer().identify(content, CollectionPeople(gallery.collection("staff")), fpir=0.02, most=2)
    assert told.pop("calibration") == found.threshold.to_dict()
    assert [(face.pop("event"), face.pop("confirmation")) for face in told["faces"]] == [(None, None)]
    assert told == found.to_dict()
    assert (told["decision"], told["faces"][0]["uid"]) == ("match", staff.ann)
    assert [one["uid"] for one in told["faces"][0]["candidates"]] == [staff.ann, staff.ben]


def test_the_threshold_rises_with_the_number_of_faces(staff: Staff) -> None:
    before = staff.client.post(f"{STAFF}/identify", files={"image": png_of(10)}).json()
    staff.enrol(staff.ann, 11, 12)
    after = staff.client.post(f"{STAFF}/identify", files={"image": png_of(10)}).json()
    assert (before["comparisons"], after["comparisons"]) == (2, 4)
    assert (before["threshold"], after["threshold"]) == (0.995, 0.9975)
    assert after["calibration"]["size"] == 4


def test_who_is_erased_is_found_by_nobody(staff: Staff) -> None:
    assert staff.client.post(f"{STAFF}/identify", files={"image": png_of(10)}).json()["faces"][0]["uid"] == staff.ann
    staff.client.delete(f"{STAFF}/persons/{staff.ann}")
    told = staff.client.post(f"{STAFF}/identify", files={"image": png_of(10)}).json()
    assert (told["decision"], told["faces"][0]["person"]) == ("no match", None)
    assert [one["uid"] for one in told["faces"][0]["candidates"]] == [staff.ben]


def test_an_empty_collection_has_nobody(staff: Staff) -> None:
    staff.client.post("/v1/collections", json={"name": "empty"})
    told = staff.client.post("/v1/collections/empty/identify", files={"image": png_of(10)}).json()
    assert (told["decision"], told["codes"]) == ("no match", ["nobody_known"])


@pytest.mark.parametrize(
    "data",
    [{"fpir": "0"}, {"fpir": "nan"}, {"most": "0"}, {"most": "51"}, {"faces": "some"}, {"quality": "good"}],
)
def test_what_is_wrong_is_said(staff: Staff, data: dict[str, str]) -> None:
    answer = staff.client.post(f"{STAFF}/identify", files={"image": png_of(10)}, data=data)
    assert answer.status_code == 422
    assert next(iter(data)) in answer.json()["error"]["message"]


def test_a_laxer_rate_has_to_be_laxer(staff: Staff) -> None:
    data = {"fpir": "0.02", "uncertain_fpir": "0.01"}
    answer = staff.client.post(f"{STAFF}/identify", files={"image": png_of(10)}, data=data)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_input")
