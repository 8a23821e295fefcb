"""People over HTTP."""

from __future__ import annotations

import time

import pytest
from starlette.testclient import TestClient

from marginface.gallery import Gallery
from marginface.server.settings import ServerSettings
from oracles.served import MakeKey

STAFF = "/v1/collections/staff"


@pytest.fixture
def people(client: TestClient) -> TestClient:
    client.post("/v1/collections", json={"name": "staff"})
    return client


def test_a_person_comes_with_consent_purpose_and_a_last_day(people: TestClient) -> None:
    body = {"name": " Ann  Example", "consent": "signed", "purpose": "door", "retain_until": "2030-01-31"}
    made = people.post(f"{STAFF}/persons", json=body)
    assert made.status_code == 201
    assert {name: made.json()[name] for name in body} == {**body, "name": "Ann Example"}
    for who in (made.json()["uid"], "Ann Example"):
        assert people.get(f"{STAFF}/persons/{who}").json() == made.json()


def test_a_name_is_given_once_in_a_collection(people: TestClient) -> None:
    people.post(f"{STAFF}/persons", json={"name": "Ann"})
    again = people.post(f"{STAFF}/persons", json={"name": "Ann"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "name_taken")


def test_an_unknown_person_is_a_404_that_names_nobody_else(people: TestClient) -> None:
    people.post(f"{STAFF}/persons", json={"name": "Ann Example"})
    answer = people.get(f"{STAFF}/persons/Anne Example")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert answer.json()["error"]["message"] == "staff has no person 'Anne Example'"


def test_a_list_goes_on_page_by_page_while_people_come_and_go(people: TestClient) -> None:
    uids = [people.post(f"{STAFF}/persons", json={"name": f"Person {n}"}).json()["uid"] for n in range(7)]
    first = people.get(f"{STAFF}/persons?limit=3").json()
    assert [one["uid"] for one in first["items"]] == uids[:3]
    people.delete(f"{STAFF}/persons/{uids[2]}")  # the last one of the page, and the first of the next
    people.delete(f"{STAFF}/persons/{uids[3]}")
    second = people.get(f"{STAFF}/persons?limit=3&cursor={first['next_cursor']}").json()
    assert [one["uid"] for one in second["items"]] == uids[4:]
    assert second["next_cursor"] is None


def test_a_list_is_searched_by_a_part_of_the_name(people: TestClient) -> None:
    for name in ("Ann Example", "Ben Example", "ANNE Other", "Žofie"):
        people.post(f"{STAFF}/persons", json={"name": name})
    found = people.get(f"{STAFF}/persons", params={"q": "ann", "limit": 1}).json()
    assert [one["name"] for one in found["items"]] == ["Ann Example"]
    more = people.get(f"{STAFF}/persons", params={"q": "ann", "limit": 1, "cursor": found["next_cursor"]}).json()
    assert [one["name"] for one in more["items"]] == ["ANNE Other"]
    assert more["next_cursor"] is None
    for text in ("ŽOF", "Z\u030cof"):  # one sign, or a letter and its mark
        assert [one["name"] for one in people.get(f"{STAFF}/persons", params={"q": text}).json()["items"]] == ["Žofie"]


def test_a_cursor_fits_its_own_listing_alone(people: TestClient) -> None:
    people.post("/v1/collections", json={"name": "visitors"})
    for n in range(3):
        people.post(f"{STAFF}/persons", json={"name": f"Person {n}"})
    cursor = people.get(f"{STAFF}/persons?limit=1").json()["next_cursor"]
    for path in (f"{STAFF}/persons?q=P", "/v1/collections/visitors/persons?q=", "/v1/audit?limit=1"):
        answer = people.get(f"{path}&cursor={cursor}")
        assert answer.status_code == 422, path
        assert "next_cursor" in answer.json()["error"]["message"]
    for broken in ("A", "🙂", cursor[:-1], cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB"), "A" * 48):
        assert people.get(f"{STAFF}/persons", params={"cursor": broken}).status_code == 422


def test_what_is_not_said_stays(people: TestClient) -> None:
    body = {"name": "Ann", "consent": "signed", "purpose": "door", "retain_until": "2030-01-31"}
    who = people.post(f"{STAFF}/persons", json=body).json()["uid"]
    changed = people.patch(f"{STAFF}/persons/{who}", json={"name": "Anne"}).json()
    assert {name: changed[name] for name in body} == {**body, "name": "Anne"}
    changed = people.patch(f"{STAFF}/persons/{who}", json={"retain_until": None, "purpose": ""}).json()
    assert {name: changed[name] for name in body} == {**body, "name": "Anne", "retain_until": None, "purpose": ""}


def test_a_change_that_cannot_be_is_not_half_made(people: TestClient) -> None:
    people.post(f"{STAFF}/persons", json={"name": "Ann"})
    ben = people.post(f"{STAFF}/persons", json={"name": "Ben"}).json()
    answer = people.patch(f"{STAFF}/persons/Ben", json={"name": "Ann", "consent": "signed"})
    assert answer.status_code == 409
    assert people.get(f"{STAFF}/persons/Ben").json() == ben
    assert people.patch(f"{STAFF}/persons/Ben", json={"consent": None}).status_code == 422
    assert people.patch(f"{STAFF}/persons/Ben", json={"uid": "p-0"}).status_code == 422


def test_somebody_named_like_an_opaque_id_does_not_stand_before_its_owner(people: TestClient) -> None:
    ann = people.post(f"{STAFF}/persons", json={"name": "Ann"}).json()["uid"]
    shadow = people.post(f"{STAFF}/persons", json={"name": ann}).json()["uid"]
    assert people.get(f"{STAFF}/persons/{ann}").json()["name"] == "Ann"
    assert people.delete(f"{STAFF}/persons/{ann}").json()["people"] == [ann]
    assert people.get(f"{STAFF}/persons/{shadow}").json()["name"] == ann


def test_two_people_become_one(people: TestClient) -> None:
    for name in ("Ann", "Anna"):
        people.post(f"{STAFF}/persons", json={"name": name})
    merged = people.post(f"{STAFF}/persons/Anna/merge", json={"into": "Ann"})
    assert (merged.status_code, merged.json()["name"]) == (200, "Ann")
    assert people.get(f"{STAFF}/persons/Anna").status_code == 404
    assert people.post(f"{STAFF}/persons/Ann/merge", json={"into": "Ann"}).status_code == 422
    assert people.post(f"{STAFF}/persons/Ann/merge", json={"into": "Nobody"}).status_code == 404


def test_a_person_moves_to_a_collection_of_the_same_contract(people: TestClient, settings: ServerSettings) -> None:
    ann = people.post(f"{STAFF}/persons", json={"name": "Ann"}).json()["uid"]
    people.post("/v1/collections", json={"name": "visitors"})
    with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
        gallery.create_collection("other", contract="0" * 16, embedding_size=4)
    other = people.post(f"{STAFF}/persons/Ann/move", json={"to": "other"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "contract_mismatch")
    moved = people.post(f"{STAFF}/persons/Ann/move", json={"to": "visitors"}).json()
    assert (moved["uid"], moved["collection"]) == (ann, "visitors")
    people.post(f"{STAFF}/persons", json={"name": "Ann"})
    assert people.post(f"{STAFF}/persons/Ann/move", json={"to": "visitors"}).status_code == 409
    assert people.post(f"{STAFF}/persons/Ann/move", json={"to": "staff"}).status_code == 422


def test_a_person_moves_only_to_where_the_key_is_for(people: TestClient, make_key: MakeKey) -> None:
    people.post(f"{STAFF}/persons", json={"name": "Ann"})
    people.post("/v1/collections", json={"name": "visitors"})
    one, both = make_key("manage", "staff"), make_key("manage", "staff", "visitors")
    refused = [people.post(f"{STAFF}/persons/Ann/move", json={"to": to}, headers=one) for to in ("visitors", "nowhere")]
    assert [answer.status_code for answer in refused] == [403, 403]
    assert people.post(f"{STAFF}/persons/Ann/move", json={"to": "visitors"}, headers=both).status_code == 200


def test_a_person_is_erased_with_a_receipt(people: TestClient) -> None:
    ann = people.post(f"{STAFF}/persons", json={"name": "Ann Example"}).json()["uid"]
    path = f"{STAFF}/persons/{ann}"
    receipt = people.delete(path).json()
    assert receipt["complete"]
    assert (receipt["people"], receipt["rows_left"]) == ([ann], 0)
    assert {file["name"] for file in receipt["files"]} >= {"people.db"}
    assert people.get(path).status_code == 404
    assert people.delete(path).status_code == 404
    assert people.post(f"{path}/erase").status_code == 404, "there is one way to erase somebody"


def test_the_audit_says_which_key_did_it(people: TestClient, make_key: MakeKey) -> None:
    key = make_key("enrol,audit")
    people.post(f"{STAFF}/persons", json={"name": "Ann"}, headers=key)
    newest = people.get("/v1/audit?limit=1", headers=key).json()["items"][0]
    key_id = key["Authorization"].split("_")[1]
    assert (newest["action"], newest["actor"]) == ("add-person", f"key {key_id}")


def test_an_unknown_person_costs_no_opened_names(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """To find a name that is nearly so every name would be opened and compared, for a message that is not sent."""
    client.post("/v1/collections", json={"name": "staff"})
    client.post("/v1/collections/staff/persons", json={"name": "Ann Example"})

    def opens(*_: object, **__: object) -> list[object]:
        raise AssertionError("names were opened")

    monkeypatch.setattr("marginface.gallery.enrolled.people.list_people", opens)
    answer = client.get("/v1/collections/staff/persons/Anne Example")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "staff has no person 'Anne Example'")


def test_a_word_that_is_none_of_a_few_is_told_in_short(client: TestClient) -> None:
    began = time.process_time()
    answer = client.post("/v1/detect", files={"image": b"x"}, data={"quality": "q" * 900_000})
    assert answer.status_code == 422
    assert len(answer.content) < 3000
    assert time.process_time() - began < 1.0
