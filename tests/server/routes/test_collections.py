"""Collections over HTTP: the same answers as those of a Gallery."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from marginface.errors import GalleryBusy
from marginface.gallery import Gallery
from marginface.server.access import KeyStore
from marginface.server.settings import ServerSettings
from oracles.enrolments import red_recognizer
from oracles.served import MakeKey


def test_a_collection_has_the_contract_of_the_recognizer(client: TestClient, settings: ServerSettings) -> None:
    made = client.post("/v1/collections", json={"name": " staff "})
    assert made.status_code == 201
    assert made.json()["name"] == "staff"
    assert made.json()["contract"] == red_recognizer().contract.id
    with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
        assert [info.to_dict() for info in gallery.collections()] == [made.json()]
    assert client.get("/v1/collections").json() == {"items": [made.json()], "next_cursor": None}
    for name in ("staff", made.json()["uid"]):
        assert client.get(f"/v1/collections/{name}").json() == made.json()


def test_a_name_is_given_once(client: TestClient) -> None:
    client.post("/v1/collections", json={"name": "staff"})
    again = client.post("/v1/collections", json={"name": "staff"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "name_taken")
    client.post("/v1/collections", json={"name": "visitors"})
    taken = client.patch("/v1/collections/visitors", json={"name": "staff"})
    assert taken.status_code == 409


def test_what_is_wrong_with_a_name_is_said(client: TestClient) -> None:
    for name in ("", "  ", "a\nb\x00", "x" * 201):
        answer = client.post("/v1/collections", json={"name": name})
        assert answer.status_code == 422, name
    answer = client.post("/v1/collections", json={"name": "staff", "model": "arcface"})
    assert "model" in answer.json()["error"]["message"]


def test_a_collection_is_renamed(client: TestClient) -> None:
    uid = client.post("/v1/collections", json={"name": "staff"}).json()["uid"]
    assert client.patch("/v1/collections/staff", json={"name": "former"}).json()["uid"] == uid
    assert client.get("/v1/collections/staff").status_code == 404
    assert client.get("/v1/collections/former").json()["uid"] == uid


def test_a_collection_whose_keys_cannot_follow_keeps_its_name(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its keys are for whoever makes a collection of the old name next, and for it no more."""
    client.post("/v1/collections", json={"name": "staff"})

    def busy(*_: str) -> int:
        raise GalleryBusy("others write")

    monkeypatch.setattr(KeyStore, "follow", busy)
    assert client.patch("/v1/collections/staff", json={"name": "crew"}).status_code == 503
    assert [one["name"] for one in client.get("/v1/collections").json()["items"]] == ["staff"]


def test_keys_for_a_collection_follow_its_name_and_nobody_gets_in_by_the_old_one(
    client: TestClient, make_key: MakeKey
) -> None:
    whole, staff = make_key("all"), make_key("all", "staff")
    uid = client.post("/v1/collections", json={"name": "staff"}, headers=whole).json()["uid"]
    taken = client.patch("/v1/collections/staff", json={"name": "crew"}, headers=staff)
    assert taken.status_code == 403, "another key may have been made for that name"
    assert client.patch(f"/v1/collections/{uid}", json={"name": "crew"}, headers=whole).status_code == 200
    client.post("/v1/collections", json={"name": "staff"}, headers=whole)
    assert [one["name"] for one in client.get("/v1/collections", headers=staff).json()["items"]] == ["crew"]
    assert client.get("/v1/collections/crew", headers=staff).json()["uid"] == uid
    assert client.get("/v1/collections/staff", headers=staff).status_code == 403
    assert client.get("/v1", headers=staff).json()["caller"]["collections"] == ["crew"]


def test_an_unknown_collection_names_no_other_and_no_path(client: TestClient, settings: ServerSettings) -> None:
    client.post("/v1/collections", json={"name": "staff"})
    answer = client.get("/v1/collections/stuff")
    assert answer.status_code == 404
    assert "staff" not in answer.text
    assert settings.gallery not in answer.text


def test_stats_and_check_are_of_this_collection(client: TestClient) -> None:
    uid = client.post("/v1/collections", json={"name": "staff"}).json()["uid"]
    client.post("/v1/collections", json={"name": "visitors"})
    client.post("/v1/collections/staff/persons", json={"name": "Ann", "retain_until": "2020-01-31"})
    stats = client.get("/v1/collections/staff/stats").json()
    assert (stats["people"], stats["people_without_faces"], stats["due"]) == (1, 1, 1)
    check = client.get("/v1/collections/staff/check").json()
    assert check == {"ok": True, "collection": uid, "people": 1, "faces": 0, "findings": []}


def test_a_collection_is_erased_with_a_receipt(client: TestClient, settings: ServerSettings) -> None:
    uid = client.post("/v1/collections", json={"name": "staff"}).json()["uid"]
    ann = client.post("/v1/collections/staff/persons", json={"name": "Ann Example"}).json()["uid"]
    receipt = client.delete("/v1/collections/staff").json()
    assert receipt["complete"]
    assert (receipt["collection"], receipt["action"], receipt["people"]) == (uid, "erase-collection", [ann])
    assert receipt["gallery"] == "people.db"
    assert "Ann" not in str(receipt)
    assert client.get("/v1/collections/staff").status_code == 404
    assert client.get(f"/v1/audit/check?head={receipt['audit_head']}").json()["ok"]


def test_a_key_for_one_collection_sees_and_makes_no_other(client: TestClient, make_key: MakeKey) -> None:
    every = make_key("all")
    for name in ("staff", "visitors"):
        client.post("/v1/collections", json={"name": name}, headers=every)
    key = make_key("all", "staff")
    assert [one["name"] for one in client.get("/v1/collections", headers=key).json()["items"]] == ["staff"]
    for name in ("board", "visitors"):
        assert client.post("/v1/collections", json={"name": name}, headers=key).status_code == 403
        assert client.patch("/v1/collections/staff", json={"name": name}, headers=key).status_code == 403
    assert client.get("/v1/collections/visitors", headers=key).status_code == 403
    assert client.get("/v1/collections/nowhere", headers=key).status_code == 403
