"""Imports by upload, in a process of their own."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image
from starlette.testclient import TestClient

from marginface.server.settings import ServerSettings
from oracles.sent_archives import ended, people, send, tar_of, zip_of
from oracles.served import Start, png_of

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


def impatient(start: Start, settings: ServerSettings) -> TestClient:
    """A service that decodes a photo within two seconds, with the collection ``staff``."""
    limits = settings.limits.model_copy(update={"decode_seconds": 2.0, "decoders": 2})
    client = start(settings.model_copy(update={"limits": limits}))
    assert client.post("/v1/collections", json={"name": "staff"}).status_code == 201
    return client


def huge() -> bytes:
    """Return a photo of more pixels than the service allows, in a few bytes."""
    stream = BytesIO()
    Image.new("L", (1200, 1000)).save(stream, "PNG")
    return stream.getvalue()


def test_a_photo_that_kills_its_decoder_is_one_photo_and_the_job_goes_on(
    start: Start, settings: ServerSettings
) -> None:
    client, photos = impatient(start, settings), people(40, 1)
    photos["person 002/0.png"] += b"crash"
    photos["person 011/0.png"] += b"hang"
    photos["person 012/0.png"] = huge()
    job = send(client, ENROL, zip_of(photos))
    told = ended(client, job)
    assert (told["state"], told["crashes"], told["done"]) == ("done", 0, 40), told["message"]
    assert (told["summary"]["enrolled"], told["summary"]["refused"]) == (37, 3)
    items = client.get(f"/v1/jobs/{job}/result", params={"limit": 500}).json()["items"]
    assert [item["photo"] for item in items] == list(photos)
    refused = [item for item in items if item["outcome"] == "refused"]
    assert [item["codes"] for item in refused] == [["unreadable"]] * 3
    said = [item["reasons"][0] for item in refused]
    assert said[0] == "person 002/0.png: its decoder crashed. Save the photo anew as JPEG or PNG"
    assert "not decoded within 2 s" in said[1]
    assert "more than the cap of 1.0 million" in said[2]


def test_faces_are_grouped_though_a_photo_kills_its_decoder(start: Start, settings: ServerSettings) -> None:
    client = impatient(start, settings)
    photos = {f"{blue}.png": png_of(blue) for blue in (10, 11, 120)}
    photos |= {"dead.png": png_of(10) + b"crash", "huge.png": huge()}
    job = send(client, {"kind": "cluster", "similarity": 0.99}, zip_of(photos))
    told = ended(client, job)
    assert (told["state"], told["crashes"]) == ("done", 0), told["message"]
    assert (told["summary"]["faces"], told["summary"]["groups"], told["summary"]["left_out"]) == (3, 2, 2)
    items = client.get(f"/v1/jobs/{job}/result").json()["items"]
    left_out = {item["photo"]: item["codes"] for item in items if item["group"] is None}
    assert left_out == {"dead.png": ["unreadable"], "huge.png": ["unreadable"]}


def test_a_photo_that_ends_the_process_of_the_job_is_left_out_and_the_others_are_enrolled(staff: TestClient) -> None:
    photos, stream = people(4, 1), BytesIO()
    Image.new("RGB", (311, 33)).save(stream, "PNG")  # kills who looks for its faces
    photos["person 002/0.png"] = stream.getvalue()
    job = send(staff, ENROL, zip_of(photos))
    told = ended(staff, job)
    assert told["state"] == "done", told["message"]
    assert (told["crashes"], told["summary"]["enrolled"], told["summary"]["refused"]) == (3, 3, 1)
    (bad,) = [one for one in staff.get(f"/v1/jobs/{job}/result").json()["items"] if one["outcome"] == "refused"]
    assert (bad["photo"], bad["codes"]) == ("person 002/0.png", ["unreadable"])
    assert "ended the process of the job twice" in bad["reasons"][0]
