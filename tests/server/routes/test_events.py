"""A service that keeps a record and asks for second keys."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from marginface.errors import StorageError
from marginface.gallery import Gallery
from marginface.server.settings import ServerSettings
from marginface.server.state import State
from oracles.served import MakeKey, Start, png_of
from oracles.staff import STAFF, Staff, make_staff

Header = dict[str, str]


@dataclass(frozen=True)
class Desk:
    """A service with second keys for everything, and three people with a key each."""

    client: TestClient
    staff: Staff
    first: Header
    second: Header
    third: Header

    def identify(self, blue: int, key: Header) -> Any:
        answer = self.client.post(f"{STAFF}/identify", files={"image": png_of(blue)}, headers=key)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def confirm(self, event: str, key: Header, *, agree: bool = True) -> Any:
        return self.client.post(f"/v1/events/{event}/confirm", json={"agree": agree}, headers=key)


@pytest.fixture
def desk(start: Start, settings: ServerSettings, make_key: MakeKey) -> Desk:
    told = settings.model_copy(update={"events": True, "two_person": ("identify", "erase", "export")})
    client = start(told)
    staff = make_staff(client)
    scopes = "identify,confirm,erase,export,audit,templates"
    return Desk(client, staff, make_key(scopes), make_key(scopes), make_key(scopes))


def key_id(header: Header) -> str:
    return header["Authorization"].split("_")[1]


@pytest.mark.parametrize(
    ("options", "is_recorded"),
    [({}, False), ({"two_person": ("erase", "export")}, False), ({"two_person": ("identify",)}, True)],
)
def test_nothing_is_recorded_that_was_not_asked_for(
    start: Start, settings: ServerSettings, options: dict[str, Any], is_recorded: bool
) -> None:
    client = start(settings.model_copy(update=options))
    make_staff(client)
    answer = client.post(f"{STAFF}/identify", files={"image": png_of(12)})
    assert answer.json()["faces"][0]["person"] == "Ann"
    assert bool(client.get("/v1/events").json()["items"]) is is_recorded
    assert client.get("/v1").json()["options"]["events"] is is_recorded


def test_each_identification_is_on_record_and_nothing_of_the_photo_is(desk: Desk, settings: ServerSettings) -> None:
    answer = desk.identify(12, desk.first)
    (face,) = answer["faces"]
    assert (face["person"], face["confirmation"]) == ("Ann", "unconfirmed")
    event = desk.client.get(f"/v1/events/{face['event']}", headers=desk.second).json()
    assert (event["action"], event["key"], event["state"]) == ("identification", key_id(desk.first), "unconfirmed")
    details = event["details"]
    assert (details["decision"], details["comparisons"], details["threshold"]) == ("match", 2, answer["threshold"])
    assert details["started"] <= details["ended"]
    assert event["private"]["person"] == desk.staff.ann
    digest = hashlib.sha256(png_of(12)).hexdigest()
    assert len(event["private"]["photo"]) == 64
    assert event["private"]["photo"] != digest
    again = desk.identify(12, desk.first)["faces"][0]["event"]
    same = desk.client.get(f"/v1/events/{again}", headers=desk.first).json()
    assert same["private"]["photo"] == event["private"]["photo"], "who has the photo can tell"
    state = b"".join(Path(settings.gallery + end).read_bytes() for end in (".service", ".service-wal"))
    assert digest.encode() not in state
    assert b"Ann" not in state


def test_of_a_search_without_a_match_nothing_is_kept_that_tells_of_a_person(desk: Desk) -> None:
    stranger, nobody = desk.identify(199, desk.first), desk.identify(230, desk.first)
    assert stranger["faces"][0]["confirmation"] is None
    assert nobody["faces"] == []
    items = desk.client.get("/v1/events", headers=desk.first).json()["items"]
    assert [(one["details"]["decision"], one["private"]) for one in items] == [
        ("cannot tell", None),
        ("no match", None),
    ]
    refused = desk.confirm(items[1]["id"], desk.second)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_confirmable")


def test_a_match_is_confirmed_by_two_different_keys(desk: Desk) -> None:
    event = desk.identify(12, desk.first)["faces"][0]["event"]
    assert desk.confirm(event, desk.second).json()["state"] == "unconfirmed"
    twice = desk.confirm(event, desk.second)
    assert (twice.status_code, twice.json()["error"]["code"]) == (409, "not_confirmable")
    last = desk.confirm(event, desk.third).json()
    assert (last["state"], [one["key"] for one in last["confirmations"]]) == (
        "confirmed",
        [key_id(desk.second), key_id(desk.third)],
    )
    assert desk.confirm(event, desk.first).status_code == 409, "it is decided"
    assert desk.client.get("/v1/events/check", headers=desk.first).json()["ok"]


def test_a_word_that_is_sent_twice_counts_once_and_is_answered_twice(desk: Desk) -> None:
    event = desk.identify(12, desk.first)["faces"][0]["event"]
    once = {**desk.second, "Idempotency-Key": "a word that was lost on its way".replace(" ", "-")}
    first, second = (desk.confirm(event, once) for _ in range(2))
    assert (first.status_code, second.content) == (200, first.content)
    assert len(second.json()["confirmations"]) == 1


def test_what_waits_for_a_word_is_listed_until_it_is_decided(desk: Desk, make_key: MakeKey) -> None:
    def waiting(key: Header) -> list[str]:
        return [one["id"] for one in desk.client.get("/v1/events/waiting", headers=key).json()["items"]]

    desk.identify(199, desk.first)
    match = desk.identify(12, desk.first)["faces"][0]["event"]
    asked = desk.client.delete(f"{STAFF}/persons/{desk.staff.ben}", headers=desk.first)
    request = asked.json()["error"]["details"]["event"]
    assert waiting(desk.second) == [request, match]
    assert waiting(make_key("confirm", "visitors")) == []
    desk.confirm(request, desk.second)
    desk.confirm(match, desk.second, agree=False)
    assert waiting(desk.second) == []


def test_one_word_against_it_rejects_a_match(desk: Desk) -> None:
    event = desk.identify(12, desk.first)["faces"][0]["event"]
    desk.confirm(event, desk.second)
    assert desk.confirm(event, desk.third, agree=False).json()["state"] == "rejected"


def test_an_erasure_waits_for_another_key_and_then_takes_the_person_out_of_the_record(desk: Desk) -> None:
    seen = desk.identify(12, desk.first)["faces"][0]["event"]
    ask = lambda: desk.client.delete(f"{STAFF}/persons/{desk.staff.ann}", headers=desk.first)  # noqa: E731
    first = ask()
    assert (first.status_code, first.json()["error"]["code"]) == (409, "needs_second_key")
    event = first.json()["error"]["details"]["event"]
    assert ask().json()["error"]["details"]["event"] == event, "it is the same request"
    assert desk.confirm(event, desk.first).status_code == 409, "not by who asks"
    assert desk.confirm(event, desk.second).json()["state"] == "confirmed"
    other = desk.client.delete(f"{STAFF}/persons/{desk.staff.ben}", headers=desk.first)
    assert other.status_code == 409, "the word was about Ann"
    assert ask().json()["complete"]
    told = desk.client.get(f"/v1/events/{seen}", headers=desk.first).json()
    assert (told["erased"], told["private"], told["details"]["decision"]) == (True, None, "match")
    assert desk.client.get(f"/v1/events/{event}", headers=desk.first).json()["state"] == "used"
    assert desk.client.get("/v1/events/check", headers=desk.first).json()["ok"]
    assert ask().status_code == 404


def test_nobody_is_erased_face_by_face_without_a_second_key(desk: Desk, make_key: MakeKey) -> None:
    manager = make_key("manage,people,identify")
    path = f"{STAFF}/persons/{desk.staff.ann}/faces"
    (face,) = desk.client.get(path, headers=manager).json()["items"]
    ask = lambda: desk.client.delete(f"{STAFF}/faces/{face['uid']}", headers=manager)  # noqa: E731
    refused = ask()
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "needs_second_key")
    assert desk.identify(12, manager)["faces"][0]["person"] == "Ann", "she is still found"
    event = refused.json()["error"]["details"]["event"]
    told = desk.client.get(f"/v1/events/{event}", headers=desk.second).json()
    assert told["private"] == {"subject": f"{desk.staff.ann} {face['uid']}"}
    desk.confirm(event, desk.second)
    person = desk.client.delete(f"{STAFF}/persons/{desk.staff.ann}", headers=desk.first)
    assert person.status_code == 409, "the word was about a face"
    assert (ask().status_code, ask().status_code) == (200, 404)
    assert desk.client.get(path, headers=manager).json()["items"] == []


def test_no_face_is_given_to_who_is_kept_for_a_shorter_time_without_a_second_key(
    desk: Desk, settings: ServerSettings, make_key: MakeKey
) -> None:
    manager = make_key("manage,people,enrol")
    past = {"name": "Gone", "retain_until": "2000-01-01"}
    gone = desk.client.post(f"{STAFF}/persons", json=past, headers=manager).json()["uid"]
    (face,) = desk.client.get(f"{STAFF}/persons/{desk.staff.ann}/faces", headers=manager).json()["items"]
    path = f"{STAFF}/faces/{face['uid']}/move"
    refused = desk.client.post(path, json={"person": "Gone"}, headers=manager)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "needs_second_key")
    assert desk.client.post(path, json={"person": "Ben"}, headers=manager).status_code == 200, "he is kept as long"
    assert desk.client.post(path, json={"person": "Ann"}, headers=manager).status_code == 200
    event = refused.json()["error"]["details"]["event"]
    told = desk.client.get(f"/v1/events/{event}", headers=desk.second).json()
    assert told["private"] == {"subject": f"{desk.staff.ann} {face['uid']} {gone}"}
    desk.confirm(event, desk.second)
    assert desk.client.delete(f"{STAFF}/faces/{face['uid']}", headers=manager).status_code == 409
    assert desk.client.post(path, json={"person": "Gone"}, headers=manager).status_code == 200


def test_a_collection_that_is_erased_takes_its_people_out_of_requests_of_others(
    start: Start, settings: ServerSettings, make_key: MakeKey
) -> None:
    client = start(settings.model_copy(update={"two_person": ("erase",)}))
    staff = make_staff(client)
    assert client.post("/v1/collections", json={"name": "guests"}).status_code == 201
    manager, second = make_key("manage,people,enrol"), make_key("confirm,audit,templates")
    past = {"name": "Gone", "retain_until": "2000-01-01"}
    gone = client.post("/v1/collections/guests/persons", json=past, headers=manager).json()["uid"]
    (face,) = client.get(f"{STAFF}/persons/{staff.ann}/faces", headers=manager).json()["items"]
    move = {"person": "Gone", "collection": "guests"}
    asked = client.post(f"{STAFF}/faces/{face['uid']}/move", json=move, headers=manager)
    event = asked.json()["error"]["details"]["event"]
    assert gone in client.get(f"/v1/events/{event}", headers=second).text
    with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
        gallery.erase_collection("guests")
    client.app.state.service.forgetting.follow(client.app.state.service.gallery)  # type: ignore[attr-defined]
    assert gone not in client.get(f"/v1/events/{event}", headers=second).text


def test_who_is_erased_is_in_no_request_about_a_face_of_theirs(desk: Desk, make_key: MakeKey) -> None:
    manager = make_key("manage,people")
    (face,) = desk.client.get(f"{STAFF}/persons/{desk.staff.ann}/faces", headers=manager).json()["items"]
    asked = desk.client.delete(f"{STAFF}/faces/{face['uid']}", headers=manager)
    event = asked.json()["error"]["details"]["event"]
    ask = lambda: desk.client.delete(f"{STAFF}/persons/{desk.staff.ann}", headers=desk.first)  # noqa: E731
    desk.confirm(ask().json()["error"]["details"]["event"], desk.second)
    assert ask().json()["complete"]
    told = desk.client.get(f"/v1/events/{event}", headers=desk.second).json()
    assert (told["erased"], told["private"]) == (True, None)


def test_a_receipt_is_given_though_the_record_cannot_be_written_and_the_record_follows(
    start: Start, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = start(settings.model_copy(update={"events": True}))
    staff = make_staff(client)
    found = client.post(f"{STAFF}/identify", files={"image": png_of(12)}).json()["faces"][0]["event"]

    def full(_: State) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(State, "writing", full)
        receipt = client.delete(f"{STAFF}/persons/{staff.ann}")
    assert (receipt.status_code, receipt.json()["complete"]) == (200, True), "there is no second one"
    assert "could not be written" in receipt.json()["notes"][-1]
    assert not client.get(f"/v1/events/{found}").json()["erased"]
    service = client.app.state.service  # type: ignore[attr-defined]
    service.forgetting.follow(service.gallery)
    assert client.get(f"/v1/events/{found}").json()["erased"]


def test_what_was_refused_is_asked_anew_and_an_export_is_agreed_to_as_it_is(desk: Desk) -> None:
    def export(**body: object) -> Any:
        return desk.client.post(f"{STAFF}/export", json=body, headers=desk.first)

    asked = export(passphrase="correct horse").json()["error"]["details"]["event"]
    assert desk.confirm(asked, desk.second, agree=False).json()["state"] == "rejected"
    anew = export(passphrase="correct horse").json()["error"]["details"]["event"]
    assert anew != asked
    desk.confirm(anew, desk.second)
    assert export(passphrase=None).status_code == 409, "in clear is another thing"
    assert export(persons=[desk.staff.ann], passphrase="correct horse").status_code == 409
    assert export(passphrase="correct horse").status_code == 200
    assert export(passphrase="correct horse").status_code == 409, "a word is good for once"


def test_an_erasure_by_the_command_line_is_followed(desk: Desk, settings: ServerSettings) -> None:
    seen = desk.identify(12, desk.first)["faces"][0]["event"]
    service = desk.client.app.state.service  # type: ignore[attr-defined]
    service.forgetting.follow(service.gallery)
    with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
        gallery.collection("staff").merge("Ann", "Ben")
        gallery.collection("staff").erase("Ben")
    assert service.forgetting.follow(service.gallery) > 0
    assert service.forgetting.follow(service.gallery) == 0
    assert desk.client.get(f"/v1/events/{seen}", headers=desk.first).json()["erased"]


def test_a_key_sees_what_is_about_its_collections_alone(desk: Desk, make_key: MakeKey) -> None:
    seen = desk.identify(12, desk.first)["faces"][0]["event"]
    other = make_key("audit,confirm", "visitors")
    assert desk.client.get("/v1/events", headers=other).json()["items"] == []
    for call in (desk.client.get(f"/v1/events/{seen}", headers=other), desk.confirm(seen, other)):
        assert call.status_code == 404
    assert desk.client.get("/v1/events/check", headers=other).status_code == 403
    own = make_key("audit,confirm", "staff")
    assert [one["id"] for one in desk.client.get("/v1/events", headers=own).json()["items"]] == [seen]
    assert desk.confirm(seen, own).status_code == 200


def test_the_record_is_listed_a_page_at_a_time(desk: Desk) -> None:
    for _ in range(5):
        desk.identify(12, desk.first)
    found, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = desk.client.get("/v1/events", params=query, headers=desk.first).json()
        found += [one["seq"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [5, 4, 3, 2, 1]


def test_the_record_is_listed_by_kind(desk: Desk) -> None:
    found = desk.identify(12, desk.first)["faces"][0]["event"]
    desk.confirm(found, desk.second)
    desk.confirm(found, desk.third)
    assert desk.client.delete(f"{STAFF}/persons/{desk.staff.ben}", headers=desk.first).status_code == 409
    kinds = [event["action"] for event in listed(desk, "")]
    assert kinds == ["request", "confirmation", "confirmation", "identification"]
    words = listed(desk, "?action=confirmation")
    assert [(event["about"], event["key"]) for event in words] == [
        (found, key_id(desk.third)),
        (found, key_id(desk.second)),
    ]
    first = desk.client.get("/v1/events?action=confirmation&limit=1", headers=desk.first).json()
    assert listed(desk, f"?action=confirmation&cursor={first['next_cursor']}") == words[1:]
    other = desk.client.get(f"/v1/events?action=request&cursor={first['next_cursor']}", headers=desk.first)
    assert other.status_code == 422, "a cursor is of its own listing"
    assert desk.client.get("/v1/events?action=dance", headers=desk.first).status_code == 422


def listed(desk: Desk, query: str) -> list[Any]:
    """Return the entries that a query lists."""
    items: list[Any] = desk.client.get(f"/v1/events{query}", headers=desk.first).json()["items"]
    return items


def test_without_the_options_nothing_is_kept_and_nothing_is_asked(client: TestClient) -> None:
    staff = make_staff(client)
    answer = client.post(f"{STAFF}/identify", files={"image": png_of(12)}).json()
    assert (answer["faces"][0]["event"], answer["faces"][0]["confirmation"]) == (None, None)
    assert client.get("/v1/events").json() == {"items": [], "next_cursor": None}
    assert client.delete(f"{STAFF}/persons/{staff.ann}").status_code == 200


def test_an_earlier_last_day_is_an_erasure_to_come(desk: Desk, make_key: MakeKey) -> None:
    manager, url = make_key("manage"), f"{STAFF}/persons/{desk.staff.ann}"
    refused = desk.client.patch(url, json={"retain_until": "2000-01-01"}, headers=manager)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "needs_second_key")
    desk.confirm(refused.json()["error"]["details"]["event"], desk.second)
    assert desk.client.patch(url, json={"retain_until": "2000-01-01"}, headers=manager).status_code == 200
    assert desk.client.patch(url, json={"retain_until": "2001-01-01"}, headers=manager).status_code == 200


def test_no_merger_and_no_enrolment_brings_anybody_before_the_purge_without_a_second_key(
    desk: Desk, make_key: MakeKey
) -> None:
    manager, persons = make_key("manage,enrol"), f"{STAFF}/persons"
    gone = {"name": "Gone", "retain_until": "2000-01-01"}
    gone_uid = desk.client.post(persons, json=gone, headers=manager).json()["uid"]
    subject = "/api/v1/recognition/subjects/Gone"
    own = make_key("manage,enrol", "staff")
    for answer, number in (
        (desk.client.post(f"{persons}/{gone_uid}/merge", json={"into": "Ann"}, headers=manager), 409),
        (desk.client.post(f"{persons}/{desk.staff.ann}/merge", json={"into": "Gone"}, headers=manager), 409),
        (desk.client.put(subject, json={"subject": "Ann"}, headers=own), 409),
        (enrol(desk, desk.staff.ann, gone["retain_until"], manager), 201),
    ):
        assert answer.status_code == number, answer.text
    (ann,) = desk.client.get(f"{persons}?q=Ann", headers=make_key("people")).json()["items"]
    assert (ann["uid"], ann["retain_until"]) == (desk.staff.ann, None)
    refused = desk.client.post(f"{persons}/{gone_uid}/merge", json={"into": "Ann"}, headers=manager)
    desk.confirm(refused.json()["error"]["details"]["event"], desk.second)
    merged = desk.client.post(f"{persons}/{gone_uid}/merge", json={"into": "Ann"}, headers=manager)
    assert (merged.status_code, merged.json()["retain_until"]) == (200, "2000-01-01")


def enrol(desk: Desk, who: str, until: str, key: Header) -> Any:
    """Enrol a photo of a person whose last day is said anew."""
    url, photo = f"{STAFF}/persons/{who}/faces", {"images": png_of(11)}
    return desk.client.post(url, files=photo, data={"retain_until": until}, headers=key)


def test_a_migration_does_not_erase_the_old_without_a_second_key(desk: Desk, make_key: MakeKey) -> None:
    body = {"kind": "migrate", "collection": "staff", "mirror": True, "erase_old": True}
    answer = desk.client.post("/v1/jobs", json=body, headers=make_key("jobs,manage,erase"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_input")
