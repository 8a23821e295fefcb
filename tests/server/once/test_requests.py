"""The same request with the same Idempotency-Key is carried out once, whoever of the workers it comes to."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from marginface.errors import StorageError
from marginface.gallery import Collection, Gallery
from marginface.server.once import Once, Sent, StillRunning, answers
from marginface.server.schemas.collections import Collection as Answer
from marginface.server.settings import ServerSettings
from marginface.server.state import State
from oracles.patience import wait_for
from oracles.served import MakeKey, Start, png_of
from oracles.staff import STAFF, decode_in_this_process, make_staff

PERSONS = f"{STAFF}/persons"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    decode_in_this_process(monkeypatch)


@pytest.fixture
def once() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def test_the_first_answer_comes_again(client: TestClient, once: dict[str, str]) -> None:
    make_staff(client)
    first, second = (client.post(PERSONS, json={"name": "Zoe"}, headers=once) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert "idempotent-replay" not in first.headers
    assert second.headers["idempotent-replay"] == "true"
    assert client.post(PERSONS, json={"name": "Zoe"}).status_code == 409  # without the header it is another request


def test_another_worker_gives_it_too(start: Start, settings: ServerSettings, once: dict[str, str]) -> None:
    one, other = start(settings), start(settings)
    staff = make_staff(one)
    parts = [("images", png_of(11))]
    first = one.post(f"{PERSONS}/{staff.ann}/faces", files=parts, headers=once)
    second = other.post(f"{PERSONS}/{staff.ann}/faces", files=parts, headers=once)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content


def test_the_same_key_with_another_request_is_refused(client: TestClient, once: dict[str, str]) -> None:
    staff = make_staff(client)
    client.post(PERSONS, json={"name": "Zoe"}, headers=once)
    for answer in (
        client.post(PERSONS, json={"name": "Zoë"}, headers=once),
        client.post("/v1/collections", json={"name": "Zoe"}, headers=once),
        client.post(f"{PERSONS}/{staff.ann}/faces", files={"images": png_of(11)}, headers=once),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "idempotency_other_request")


def test_photos_count_as_the_request(client: TestClient, once: dict[str, str]) -> None:
    staff = make_staff(client)
    path = f"{PERSONS}/{staff.ann}/faces"
    client.post(path, files={"images": ("a.png", png_of(11))}, headers=once)
    assert client.post(path, files={"images": ("b.png", png_of(11))}, headers=once).status_code == 201
    assert client.post(path, files={"images": ("a.png", png_of(12))}, headers=once).status_code == 422
    assert client.post(path, files={"images": png_of(11)}, data={"review": "off"}, headers=once).status_code == 422


def test_each_caller_has_keys_of_their_own(client: TestClient, make_key: MakeKey, once: dict[str, str]) -> None:
    first, second = make_key("all"), make_key("all")
    answers_ = [
        client.post("/v1/collections", json={"name": "staff"}, headers={**key, **once}) for key in (first, second)
    ]
    assert [answer.status_code for answer in answers_] == [201, 409]


def test_no_answer_comes_before_the_gate(client: TestClient, make_key: MakeKey, once: dict[str, str]) -> None:
    key = make_key("all")
    client.post("/v1/collections", json={"name": "staff"}, headers={**key, **once})
    assert client.post("/v1/collections", json={"name": "staff"}, headers=once).status_code == 401


def test_an_error_is_not_kept(client: TestClient, once: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    make_staff(client)
    assert client.post(PERSONS, json={"name": "Ann"}, headers=once).status_code == 409
    client.delete(f"{PERSONS}/Ann")
    assert client.post(PERSONS, json={"name": "Ann"}, headers=once).status_code == 201

    def broken(*_: object) -> None:
        raise RuntimeError

    new = {"Idempotency-Key": str(uuid.uuid4())}
    with monkeypatch.context() as patch:
        patch.setattr(Collection, "add_person", broken)
        assert client.post(PERSONS, json={"name": "Zoe"}, headers=new).status_code == 500
    assert client.post(PERSONS, json={"name": "Zoe"}, headers=new).status_code == 201


def test_one_that_runs_is_not_begun_again(
    client: TestClient, once: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_staff(client)
    seen: list[Any] = []
    really = Collection.add_person

    def slow(self: Collection, *arguments: Any) -> Any:
        if not seen:
            seen.append(None)
            seen[0] = client.post(PERSONS, json={"name": "Zoe"}, headers=once)
        return really(self, *arguments)

    monkeypatch.setattr(Collection, "add_person", slow)
    assert client.post(PERSONS, json={"name": "Zoe"}, headers=once).status_code == 201
    assert (seen[0].status_code, seen[0].json()["error"]["code"]) == (409, "idempotency_running")
    assert int(seen[0].headers["retry-after"]) >= 1


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Let the state of the service be written no more while there is something in the list."""
    really, full = State.writing, list[bool]()

    def writing(self: State) -> Any:
        if full:
            raise StorageError("the disk is full")
        return really(self)

    monkeypatch.setattr(State, "writing", writing)
    return full


@pytest.fixture
def fills(full_disk: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk be full as soon as somebody is added."""
    really = Collection.add_person

    def added(self: Collection, *arguments: Any) -> Any:
        full_disk.append(True)
        return really(self, *arguments)

    monkeypatch.setattr(Collection, "add_person", added)


def test_an_answer_that_cannot_be_kept_is_given_and_kept_as_soon_as_it_can_be(
    start: Start, settings: ServerSettings, once: dict[str, str], full_disk: list[bool], fills: None
) -> None:
    one, other = start(settings), start(settings)
    assert one.post("/v1/collections", json={"name": "staff"}).status_code == 201
    first = one.post(PERSONS, json={"name": "Zoe"}, headers=once)
    assert first.status_code == 201, "she was added"
    assert one.post(PERSONS, json={"name": "Zoe"}, headers=once).status_code == 507, "the disk is full"
    full_disk.clear()
    second = one.post(PERSONS, json={"name": "Zoe"}, headers=once)
    assert (second.status_code, second.content) == (201, first.content), "nothing runs that it would have to wait for"
    assert other.post(PERSONS, json={"name": "Zoe"}, headers=once).content == first.content


def test_an_answer_that_is_owed_comes_to_other_workers_by_itself(
    start: Start,
    settings: ServerSettings,
    once: dict[str, str],
    full_disk: list[bool],
    fills: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("marginface.server.service._SETTLING", 0.2)
    one, other = start(settings), start(settings)
    one.post("/v1/collections", json={"name": "staff"})
    first = one.post(PERSONS, json={"name": "Zoe"}, headers=once)
    full_disk.clear()
    again = partial(other.post, PERSONS, json={"name": "Zoe"}, headers=once)
    wait_for(lambda: again().content == first.content, "what is owed does not come")


def test_a_request_that_failed_while_nothing_could_be_written_is_carried_out_when_it_comes_again(
    client: TestClient, once: dict[str, str], full_disk: list[bool], fills: None
) -> None:
    make_staff(client)
    full_disk.clear()
    failed = client.post(PERSONS, json={"name": "Ann"}, headers=once)
    assert failed.json()["error"]["code"] == "name_taken", "not that the disk is full"
    full_disk.clear()
    client.delete(f"{PERSONS}/Ann")
    assert client.post(PERSONS, json={"name": "Ann"}, headers=once).status_code == 201


def test_what_was_broken_off_may_have_been_carried_out_and_is_not_begun_again(client: TestClient) -> None:
    """A worker that stops breaks off what takes too long; the thread that is at it may end it all the same."""
    service = client.app.state.service  # type: ignore[attr-defined]
    sent = Sent("a random text of a client", "a key", "its token", b"POST /v1/collections")
    asked = Once(service.answers, service.gallery).known(sent, None)

    async def broken_off() -> None:
        begun = asyncio.Event()

        async def endless() -> None:
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.ensure_future(asked.answer(Answer, 201, endless))
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    asyncio.run(broken_off())
    assert asked.asked is not None
    with pytest.raises(StillRunning):
        service.answers.claim(asked.asked)


def test_a_worker_that_died_does_not_block_for_ever(
    client: TestClient, once: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_staff(client)
    with monkeypatch.context() as patch:
        patch.setattr("marginface.server.once.answers.KeptAnswers.keep", lambda *_: None)  # as if it was killed before
        client.post(PERSONS, json={"name": "Zoe"}, headers=once)
    assert client.post(PERSONS, json={"name": "Zoe"}, headers=once).status_code == 409
    monkeypatch.setattr(answers, "RUNS_AT_MOST", -1)
    late = client.post(PERSONS, json={"name": "Zoe"}, headers=once)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "name_taken")


def test_a_worker_that_died_before_the_clock_was_set_back_does_not_block_for_ever(
    client: TestClient, once: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_staff(client)
    year = 365 * 24 * 3600
    with monkeypatch.context() as patch:
        patch.setattr("marginface.server.once.answers.KeptAnswers.keep", lambda *_: None)
        patch.setattr("marginface.server.once.answers.time.time", lambda now=time.time: now() + year)
        client.post(PERSONS, json={"name": "Zoe"}, headers=once)
    late = client.post(PERSONS, json={"name": "Zoe"}, headers=once)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "name_taken")


def test_an_answer_is_kept_for_a_day(client: TestClient, once: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    make_staff(client)
    client.post(PERSONS, json={"name": "Zoe"}, headers=once)
    monkeypatch.setattr(answers, "KEPT_SECONDS", -1)
    assert client.post(PERSONS, json={"name": "Zoe"}, headers=once).json()["error"]["code"] == "name_taken"


def test_who_is_erased_is_in_no_kept_answer_and_is_not_enrolled_again(client: TestClient, once: dict[str, str]) -> None:
    make_staff(client)
    body = {"name": "Zoe"}
    uid = client.post(PERSONS, json=body, headers=once).json()["uid"]
    client.delete(f"{PERSONS}/{uid}")
    again = client.post(PERSONS, json=body, headers=once)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "idempotency_dropped")
    assert client.get(f"{PERSONS}/Zoe").status_code == 404


def test_who_is_erased_by_the_command_line_is_in_no_kept_answer_either(
    client: TestClient, settings: ServerSettings, once: dict[str, str], tmp_path: Path
) -> None:
    staff = make_staff(client)
    body, later = {"name": "Zoe Unmistakable"}, {"Idempotency-Key": str(uuid.uuid4())}
    client.post(PERSONS, json=body, headers=once)
    client.post(f"{PERSONS}/{staff.ann}/merge", json={"into": "Zoe Unmistakable"}, headers=later)
    with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
        gallery.collection("staff").erase("Zoe Unmistakable")
    again = client.post(PERSONS, json=body, headers=once)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "idempotency_dropped")
    with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
        gallery.erase_collection("staff")
    merged = client.post(f"{PERSONS}/{staff.ann}/merge", json={"into": "Zoe Unmistakable"}, headers=later)
    assert (merged.status_code, merged.json()["error"]["code"]) == (409, "idempotency_dropped")


def test_who_was_moved_is_dropped_from_the_answers_of_both_places(client: TestClient, once: dict[str, str]) -> None:
    make_staff(client)
    client.post("/v1/collections", json={"name": "visitors"})
    moving = {"Idempotency-Key": str(uuid.uuid4())}
    uid = client.post(PERSONS, json={"name": "Zoe"}, headers=once).json()["uid"]
    move = {"url": f"{PERSONS}/{uid}/move", "json": {"to": "visitors"}, "headers": moving}
    assert [client.post(**move).status_code for _ in range(2)] == [200, 200]  # type: ignore[arg-type]
    assert client.post(PERSONS, json={"name": "Zoe"}, headers=once).json()["error"]["code"] == "idempotency_dropped"
    client.delete(f"/v1/collections/visitors/persons/{uid}")
    assert client.post(**move).json()["error"]["code"] == "idempotency_dropped"  # type: ignore[arg-type]


def test_an_erasure_gives_its_receipt_again(client: TestClient, once: dict[str, str]) -> None:
    staff = make_staff(client)
    first, second = (client.delete(f"{PERSONS}/{staff.ann}", headers=once) for _ in range(2))
    assert first.json()["people"] == [staff.ann]
    assert first.content == second.content
    whole = {"Idempotency-Key": str(uuid.uuid4())}
    first, second = (client.delete(STAFF, headers=whole) for _ in range(2))
    assert (first.status_code, first.content) == (200, second.content)


def test_what_is_deleted_twice_is_deleted_once(client: TestClient, once: dict[str, str]) -> None:
    staff = make_staff(client)
    face = client.get(f"{PERSONS}/{staff.ann}/faces").json()["items"][0]["uid"]
    first, second = (client.delete(f"{STAFF}/faces/{face}", headers=once) for _ in range(2))
    assert (first.status_code, first.json()["faces"], second.content) == (200, 0, first.content)


def test_a_job_that_is_cancelled_twice_is_not_deleted(client: TestClient, once: dict[str, str]) -> None:
    make_staff(client)
    job = client.post("/v1/jobs", json={"kind": "enrol", "collection": "staff"}).json()["id"]
    first, second = (client.delete(f"/v1/jobs/{job}", headers=once) for _ in range(2))
    assert (first.json()["state"], second.content) == ("cancelled", first.content)
    assert client.get(f"/v1/jobs/{job}").json()["state"] == "cancelled"
    assert client.delete(f"/v1/jobs/{job}").status_code == 200
    assert client.get(f"/v1/jobs/{job}").status_code == 404


def test_the_state_shows_nothing_of_an_answer(client: TestClient, once: dict[str, str], tmp_path: Path) -> None:
    make_staff(client)
    told = client.post(PERSONS, json={"name": "Zoe Unmistakable", "consent": "by letter"}, headers=once).json()
    content = b"".join(path.read_bytes() for path in tmp_path.glob("people.db.service*"))
    assert content
    for text in ("Unmistakable", "by letter", told["uid"], once["Idempotency-Key"]):
        assert text.encode() not in content


@pytest.mark.parametrize("key", ["short", "x" * 256, "with a space in it"])
def test_a_key_is_a_long_random_text(client: TestClient, key: str) -> None:
    answer = client.post("/v1/collections", json={"name": "staff"}, headers={"Idempotency-Key": key})
    assert answer.status_code == 422


def test_a_late_end_of_a_request_does_not_end_the_one_that_came_after_it(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = client.app.state.service.answers  # type: ignore[attr-defined]
    first = kept.asked(Sent("a random text of a client", "a key", "its token", b"POST /v1/collections"), "", 0)
    assert kept.claim(first) is None
    later = replace(first, made=first.made + answers.RUNS_AT_MOST + 1)
    monkeypatch.setattr(answers.time, "time", lambda: float(later.made))
    assert kept.claim(later) is None, "the first is taken for dead"
    kept.release(first)
    with pytest.raises(StillRunning):
        kept.claim(later)
