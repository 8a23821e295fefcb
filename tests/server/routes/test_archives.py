"""People taken out: sealed, or in clear to who may see vectors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marginface.gallery import Gallery
from oracles.served import MakeKey
from oracles.staff import STAFF, Staff

PASSPHRASE = "correct horse battery staple"


def test_an_archive_comes_sealed_and_can_be_imported(staff: Staff, tmp_path: Path) -> None:
    answer = staff.client.post(f"{STAFF}/export", json={"passphrase": PASSPHRASE})
    assert answer.headers["content-type"] == "application/octet-stream"
    assert b"Ann" not in answer.content
    (tmp_path / "out").write_bytes(answer.content)
    with Gallery.create(tmp_path / "other.db", sealed=False) as other:
        counts = other.import_archive(tmp_path / "out", passphrase=PASSPHRASE)
        assert (counts.people, counts.faces) == (2, 2)
        assert other.collection("staff").person(staff.ann).name == "Ann"


def test_some_people_are_taken_out_and_no_others(staff: Staff, tmp_path: Path) -> None:
    answer = staff.client.post(f"{STAFF}/export", json={"passphrase": PASSPHRASE, "persons": [staff.ben]})
    (tmp_path / "out").write_bytes(answer.content)
    with Gallery.create(tmp_path / "other.db", sealed=False) as other:
        other.import_archive(tmp_path / "out", passphrase=PASSPHRASE)
        assert [person.name for person in other.collection("staff").people()] == ["Ben"]
    assert staff.client.post(f"{STAFF}/export", json={"passphrase": PASSPHRASE, "persons": []}).status_code == 422
    unknown = staff.client.post(f"{STAFF}/export", json={"passphrase": PASSPHRASE, "persons": ["Zoe"]})
    assert unknown.status_code == 404


def test_vectors_in_clear_need_their_own_scope(staff: Staff, make_key: MakeKey) -> None:
    exporting, seeing = make_key("export"), make_key("export,templates")
    assert staff.client.post(f"{STAFF}/export", json={"passphrase": None}, headers=exporting).status_code == 403
    clear = staff.client.post(f"{STAFF}/export", json={"passphrase": None}, headers=seeing)
    lines = [json.loads(line) for line in clear.content.splitlines()]
    assert [line["person"]["name"] for line in lines if "person" in line] == ["Ann", "Ben"]
    assert staff.client.post(f"{STAFF}/export", json={}, headers=seeing).status_code == 422  # it has to be said


@pytest.mark.parametrize("passphrase", [PASSPHRASE, None])
def test_nothing_of_it_stays_on_the_disk(
    staff: Staff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passphrase: str | None
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    assert staff.client.post(f"{STAFF}/export", json={"passphrase": passphrase}).status_code == 200
    assert list(scratch.rglob("*")) == []


def test_a_short_passphrase_is_refused_and_the_audit_notes_an_export(staff: Staff) -> None:
    assert staff.client.post(f"{STAFF}/export", json={"passphrase": "short"}).status_code == 422
    staff.client.post(f"{STAFF}/export", json={"passphrase": PASSPHRASE, "persons": ["Ann"]})
    newest = staff.client.get("/v1/audit?limit=1").json()["items"][0]
    assert (newest["action"], newest["subject"]["people"]) == ("export", [staff.ann])
