"""Imports by upload, in a process of their own."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from oracles.sent_archives import ended, people, send, tar_of, zip_of
from oracles.served import png_of

pytestmark = pytest.mark.usefixtures("red_processes")
ENROL = {"kind": "enrol", "collection": "staff", "consent": "signed"}


def test_the_people_of_an_archive_are_enrolled_and_each_photo_has_its_outcome(staff: TestClient) -> None:
    photos = {
        "Ann/1.png": png_of(10),
        "Ann/2.png": png_of(14),
        "Ben/1.png": png_of(120),
        "Ben/again.png": png_of(120),
        "Cem/none.png": png_of(230),
        "Cem/text.jpg": b"hello",
        "beside.png": png_of(60),
        "Ben/notes.txt": b"no photo",
        "__MACOSX/Ann/._1.png": b"shadow",
    }
    job = send(staff, ENROL, tar_of(photos))
    told = ended(staff, job)
    assert (told["state"], told["done"], told["total"], told["crashes"]) == ("done", 7, 7, 0)
    assert (told["summary"]["enrolled"], told["summary"]["known"], told["summary"]["refused"]) == (3, 1, 3)
    assert told["summary"]["people_left_out"] == 1
    items = staff.get(f"/v1/jobs/{job}/result").json()["items"]
    assert {item["photo"]: (item["person"], item["outcome"], item["codes"]) for item in items} == {
        "Ann/1.png": ("Ann", "enrolled", []),
        "Ann/2.png": ("Ann", "enrolled", []),
        "Ben/1.png": ("Ben", "enrolled", []),
        "Ben/again.png": ("Ben", "known", ["same_photo"]),
        "Cem/none.png": ("Cem", "refused", ["no_face"]),
        "Cem/text.jpg": ("Cem", "refused", ["unreadable"]),
        "beside.png": ("", "refused", ["no_person"]),
    }
    people_there = staff.get("/v1/collections/staff/persons").json()["items"]
    assert {one["name"]: (one["faces"], one["consent"]) for one in people_there} == {
        "Ann": (2, "signed"),
        "Ben": (1, "signed"),
    }


def test_a_photo_that_kills_its_decoder_is_left_out_and_the_others_are_enrolled(staff: TestClient) -> None:
    photos = people(4, 1)
    photos["person 002/0.png"] += b"crash"
    job = send(staff, ENROL, zip_of(photos))
    told = ended(staff, job)
    assert told["state"] == "done", told["message"]
    assert (told["crashes"], told["summary"]["enrolled"], told["summary"]["refused"]) == (3, 3, 1)
    (bad,) = [one for one in staff.get(f"/v1/jobs/{job}/result").json()["items"] if one["outcome"] == "refused"]
    assert (bad["photo"], bad["codes"]) == ("person 002/0.png", ["unreadable"])
    assert "ended the process twice" in bad["reasons"][0]
