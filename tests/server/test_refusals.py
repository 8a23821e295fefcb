"""Every error in the one form, with a status that says whether to come again."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from marginface import errors
from marginface.gallery import Collection, Gallery
from marginface.gallery.database.store import Store
from marginface.server.refusals import KINDS, kind_of
from marginface.server.settings import ServerSettings
from oracles.staff import STAFF, decode_in_this_process, make_staff


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.UnknownGalleryName("long", "short"), 404, "not_found"),
        (errors.CollectionGoneError("gone"), 404, "not_found"),
        (errors.TakenName("taken"), 409, "name_taken"),
        (errors.ContractMismatch("other"), 409, "contract_mismatch"),
        (errors.InputError("wrong"), 422, "bad_input"),
        (errors.GalleryBusy("busy"), 503, "gallery_busy"),
        (errors.StorageError("full"), 507, "storage"),
    ],
)
def test_an_error_has_its_status(error: errors.MarginfaceError, status: int, code: str) -> None:
    assert (kind_of(error).status, kind_of(error).code) == (status, code)


def test_no_line_of_the_table_is_hidden_by_one_above() -> None:
    classes = [cls for cls, _ in KINDS]
    hidden = [(one, other) for place, one in enumerate(classes) for other in classes[:place] if issubclass(one, other)]
    assert hidden == []


def test_a_gallery_that_another_process_writes_to_is_a_503_with_the_time_to_come_again(
    client: TestClient, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode_in_this_process(monkeypatch)
    client.post("/v1/collections", json={"name": "staff"})
    really = Store._connect

    def impatient(self: Store, options: dict[str, object]) -> object:
        connection = really(self, options)
        if self.path is not None and self.path.name == "people.db":
            connection.exec_driver_sql("PRAGMA busy_timeout = 50")
            connection.rollback()
        return connection

    with Gallery.open(settings.gallery, key=settings.key_file) as other, other._vault.store.writing():
        monkeypatch.setattr(Store, "_connect", impatient)
        answer = client.post(f"{STAFF}/persons", json={"name": "Ann"})
        listed = client.get(f"{STAFF}/persons")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "gallery_busy")
    assert int(answer.headers["retry-after"]) >= 1
    assert listed.status_code == 200  # who reads does not wait for who writes
    assert client.post(f"{STAFF}/persons", json={"name": "Ann"}).status_code == 201


def test_a_full_disk_is_a_507_that_says_nothing_was_written(
    client: TestClient, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/v1/collections", json={"name": "staff"})

    def full(_: Collection, *__: object) -> None:
        raise errors.StorageError(f"{settings.gallery}: the disk is full. Nothing of this was written; make room")

    monkeypatch.setattr(Collection, "add_person", full)
    answer = client.post(f"{STAFF}/persons", json={"name": "Ann"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "storage")
    assert answer.json()["error"]["message"].startswith("the gallery: the disk is full")
    assert str(Path(settings.gallery).parent) not in answer.text


def test_a_collection_that_goes_while_it_is_asked_for_is_a_404(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode_in_this_process(monkeypatch)
    staff = make_staff(client)
    really = Collection.person

    def erased_first(self: Collection, who: str) -> object:
        client.delete(STAFF)
        return really(self, who)

    monkeypatch.setattr(Collection, "person", erased_first)
    answer = client.get(f"{STAFF}/persons/{staff.ann}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/collections", {f"k{number}": 0 for number in range(30_000)}),
        ("/v1/collections/staff/export", {"passphrase": None, "persons": [0] * 9_000}),
        ("/api/v1/recognition/faces/delete", [0] * 9_000),
    ],
)
def test_a_body_with_thousands_of_faults_has_a_short_answer(client: TestClient, path: str, body: object) -> None:
    client.post("/v1/collections", json={"name": "staff"})
    answer = client.post(path, json=body)
    assert answer.status_code in (400, 422)
    assert len(answer.content) < 4000
