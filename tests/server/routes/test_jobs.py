"""Jobs over HTTP: who may ask, see, send and cancel; no process is needed for that."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from marginface.server.app import make_app
from marginface.server.jobs.claims import claim_next
from marginface.server.jobs.runner import Runner
from marginface.server.service import Service
from marginface.server.settings import ServerSettings
from oracles.enrolments import red_recognizer
from oracles.patience import PATIENCE, wait_for
from oracles.running import running
from oracles.sent_archives import send, zip_of
from oracles.served import MakeKey, Start, png_of

ENROL = {"kind": "enrol", "collection": "staff"}
ARCHIVE = zip_of({"Ann/1.png": png_of(10)})


@pytest.fixture
def client(start: Start, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A service that runs no jobs, with the collections staff and visitors."""
    monkeypatch.setattr(Runner, "start", lambda _: None)
    client = start(settings)
    for name in ("staff", "visitors"):
        client.post("/v1/collections", json={"name": name})
    return client


def service_of(client: TestClient) -> Service:
    service = client.app.state.service  # type: ignore[attr-defined]
    assert isinstance(service, Service)
    return service


def finished(client: TestClient, items: list[dict[str, Any]]) -> None:
    """Do the job that waits, as a process would."""
    service = service_of(client)
    claim = claim_next(service.state, service.job_key, 9)
    assert claim is not None
    claim.progress(len(items), len(items), items)
    claim.finish({"enrolled": len(items)})


def test_a_job_is_asked_for_sent_followed_read_and_deleted(client: TestClient, settings: ServerSettings) -> None:
    asked = client.post("/v1/jobs", json={**ENROL, "consent": "signed"})
    assert (asked.status_code, asked.json()["state"], asked.json()["collection"]) == (201, "waiting", "staff")
    job = asked.json()["id"]
    sent = client.put(f"/v1/jobs/{job}/archive", content=ARCHIVE)
    assert (sent.status_code, sent.json()["state"]) == (200, "queued")
    again = client.put(f"/v1/jobs/{job}/archive", content=ARCHIVE)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "wrong_state")
    assert len(list(Path(settings.gallery + ".service.d").iterdir())) == 1
    finished(client, [{"n": number, "lookalikes": [], "reasons": [], "codes": []} for number in range(5)])
    told = client.get(f"/v1/jobs/{job}").json()
    assert (told["state"], told["done"], told["total"], told["summary"]) == ("done", 5, 5, {"enrolled": 5})
    page = client.get(f"/v1/jobs/{job}/result", params={"limit": 3}).json()
    rest = client.get(f"/v1/jobs/{job}/result", params={"limit": 3, "cursor": page["next_cursor"]}).json()
    assert [item["n"] for item in page["items"] + rest["items"]] == list(range(5))
    assert rest["next_cursor"] is None
    assert client.delete(f"/v1/jobs/{job}").json()["state"] == "done"
    assert client.get(f"/v1/jobs/{job}").status_code == 404
    assert list(Path(settings.gallery + ".service.d").iterdir()) == []


def test_a_job_that_waits_or_is_queued_is_cancelled_and_its_archive_goes(
    client: TestClient, settings: ServerSettings
) -> None:
    job = send(client, ENROL, ARCHIVE)
    told = client.delete(f"/v1/jobs/{job}").json()
    assert (told["state"], told["expires"] > told["finished"]) == ("cancelled", True)
    assert list(Path(settings.gallery + ".service.d").iterdir()) == []


@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        ({"kind": "dance"}, 422, "kind"),
        ({"kind": "enrol"}, 422, "collection"),
        ({**ENROL, "review": "lax"}, 422, "unknown review 'lax'"),
        ({**ENROL, "path": "/etc"}, 422, "path"),
        ({**ENROL, "fpir": 2}, 422, "fpir"),
        ({"kind": "enrol", "collection": "nowhere"}, 404, "nowhere"),
        ({"kind": "migrate", "collection": "staff", "model": "/etc/passwd"}, 422, "unknown model"),
        ({"kind": "migrate", "collection": "staff", "model": "yunet"}, 422, "unknown model"),
        ({"kind": "cluster", "similarity": 3}, 422, "similarity"),
    ],
)
def test_a_wrong_wish_is_refused_before_anything_is_sent(
    client: TestClient, body: dict[str, Any], status: int, what: str
) -> None:
    answer = client.post("/v1/jobs", json=body)
    assert answer.status_code == status
    assert what in answer.json()["error"]["message"]


def test_grouping_without_scipy_is_refused_before_an_archive_is_sent(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marginface.server.jobs.kinds.find_spec", lambda name: None)
    answer = client.post("/v1/jobs", json={"kind": "cluster"})
    assert answer.status_code == 501
    assert "marginface[cluster]" in answer.json()["error"]["message"]


def test_a_collection_that_a_migration_left_is_not_worked_on(client: TestClient) -> None:
    name = "staff.retired-59b08417f911d62a"
    client.patch("/v1/collections/staff", json={"name": name})
    assert client.post("/v1/jobs", json={**ENROL, "collection": name}).status_code == 422


def test_the_scope_of_the_work_is_needed_besides(client: TestClient, make_key: MakeKey) -> None:
    scopes = {"enrol": "enrol", "cluster": "cluster", "migrate": "manage", "purge": "erase"}
    for kind, scope in scopes.items():
        body = {"kind": kind} | ({"collection": "staff"} if kind in ("enrol", "migrate") else {})
        assert client.post("/v1/jobs", json=body, headers=make_key("jobs")).status_code == 403
        assert client.post("/v1/jobs", json=body, headers=make_key(scope)).status_code == 403
        assert client.post("/v1/jobs", json=body, headers=make_key(f"jobs,{scope}")).status_code == 201


def test_a_key_asks_about_its_own_collection_alone(client: TestClient, make_key: MakeKey) -> None:
    key = make_key("jobs,enrol,erase", "visitors")
    assert client.post("/v1/jobs", json=ENROL, headers=key).status_code == 403
    assert client.post("/v1/jobs", json={"kind": "purge"}, headers=key).status_code == 403
    assert client.post("/v1/jobs", json={**ENROL, "collection": "visitors"}, headers=key).status_code == 201


def test_a_job_is_seen_by_its_key_and_by_those_of_its_collection(client: TestClient, make_key: MakeKey) -> None:
    admin, staff = make_key("all"), make_key("jobs,enrol", "staff")
    visitors, watcher = make_key("jobs,enrol,cluster", "visitors"), make_key("jobs", "staff")
    job = send(client, ENROL, ARCHIVE, staff)
    own = client.post("/v1/jobs", json={"kind": "cluster"}, headers=visitors).json()["id"]
    seen = {
        name: [one["id"] for one in client.get("/v1/jobs", headers=key).json()["items"]]
        for name, key in {"admin": admin, "staff": staff, "visitors": visitors, "watcher": watcher}.items()
    }
    assert seen == {"admin": [own, job], "staff": [job], "visitors": [own], "watcher": [job]}
    for method, path in (("GET", job), ("DELETE", job), ("GET", f"{job}/result"), ("PUT", f"{job}/archive")):
        assert client.request(method, f"/v1/jobs/{path}", headers=visitors).status_code == 404, path
    assert client.get(f"/v1/jobs/{job}/result", headers=watcher).status_code == 403
    assert client.delete(f"/v1/jobs/{job}", headers=watcher).status_code == 403
    assert client.delete(f"/v1/jobs/{job}", headers=staff).json()["state"] == "cancelled"


def test_others_are_named_in_a_result_to_a_key_with_scope_people_alone(client: TestClient, make_key: MakeKey) -> None:
    alike = {"person": "Ben Example", "uid": "p-1", "similarity": 0.9, "face": "f-1"}
    item = {"person": "Ann", "photo": "Ann/1.png", "outcome": "enrolled", "lookalikes": [alike]}
    key, admin = make_key("jobs,enrol"), make_key("jobs,enrol,people")
    job = send(client, ENROL, ARCHIVE, key)
    finished(client, [{**item, "codes": ["looks_like"], "reasons": ["Ann/1.png: looks like Ben Example, 0.90."]}])
    told = client.get(f"/v1/jobs/{job}/result", headers=key).json()["items"][0]
    assert "Ben Example" not in str(told)
    assert (told["lookalikes"][0]["uid"], told["codes"]) == ("p-1", ["looks_like"])
    assert "Ben Example" in str(client.get(f"/v1/jobs/{job}/result", headers=admin).json()["items"][0])


def test_jobs_are_listed_a_page_at_a_time(client: TestClient) -> None:
    made = [client.post("/v1/jobs", json={"kind": "cluster"}).json()["id"] for _ in range(5)]
    found, cursor = [], None
    while True:
        page = client.get("/v1/jobs", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == made[::-1]


def test_the_same_request_with_one_idempotency_key_makes_one_job(client: TestClient) -> None:
    headers = {"Idempotency-Key": "0b0f2f6e-6f0f-4a3b"}
    first, second = (client.post("/v1/jobs", json={"kind": "purge"}, headers=headers).json()["id"] for _ in range(2))
    assert first == second


def test_an_archive_may_be_larger_than_a_photo_and_not_larger_than_told(
    start: Start, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runner, "start", lambda _: None)
    limits = settings.limits.model_copy(update={"archive_bytes": 3_000_000, "body_bytes": 1_000_000})
    client = start(settings.model_copy(update={"limits": limits}))
    client.post("/v1/collections", json={"name": "staff"})
    for size, status in ((2_500_000, 200), (3_500_000, 413)):
        job = client.post("/v1/jobs", json=ENROL).json()["id"]
        assert client.put(f"/v1/jobs/{job}/archive", content=bytes(size)).status_code == status
        chunks = (bytes(100_000) for _ in range(size // 100_000))
        job = client.post("/v1/jobs", json=ENROL).json()["id"]
        assert client.put(f"/v1/jobs/{job}/archive", content=chunks).status_code == status, "without a length"
    assert len(list(Path(settings.gallery + ".service.d").iterdir())) == 2, "what was cut off is gone"


def test_so_many_jobs_and_archives_wait_and_no_more(
    start: Start, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runner, "start", lambda _: None)
    limits = settings.limits.model_copy(update={"open_jobs": 4, "archives": 2})
    client = start(settings.model_copy(update={"limits": limits}))
    client.post("/v1/collections", json={"name": "staff"})
    made = [client.post("/v1/jobs", json=ENROL) for _ in range(5)]
    assert [answer.status_code for answer in made] == [201] * 4 + [503]
    assert (made[4].json()["error"]["code"], made[4].headers["retry-after"]) == ("too_many_jobs", "60")
    jobs = [answer.json()["id"] for answer in made[:4]]
    sent = [client.put(f"/v1/jobs/{job}/archive", content=ARCHIVE).status_code for job in jobs]
    assert sent == [200, 200, 503, 503]
    client.delete(f"/v1/jobs/{jobs[0]}")
    assert client.put(f"/v1/jobs/{jobs[2]}/archive", content=ARCHIVE).status_code == 200
    assert client.post("/v1/jobs", json=ENROL).status_code == 201


def test_a_migration_that_erases_the_old_needs_the_scope_of_erasures(client: TestClient, make_key: MakeKey) -> None:
    body = {"kind": "migrate", "collection": "staff", "mirror": True, "erase_old": True}
    assert client.post("/v1/jobs", json=body, headers=make_key("jobs,manage")).status_code == 403
    assert client.post("/v1/jobs", json=body, headers=make_key("jobs,manage,erase")).status_code == 201


def test_only_the_key_that_asked_sends_the_archive(client: TestClient, make_key: MakeKey) -> None:
    first, second = make_key("jobs,enrol", "staff"), make_key("jobs,enrol", "staff")
    job = client.post("/v1/jobs", json=ENROL, headers=first).json()["id"]
    assert client.put(f"/v1/jobs/{job}/archive", content=ARCHIVE, headers=second).status_code == 403
    assert client.put(f"/v1/jobs/{job}/archive", content=ARCHIVE, headers=first).status_code == 200


def test_names_of_another_s_import_are_for_scope_people(client: TestClient, make_key: MakeKey) -> None:
    first, second = make_key("jobs,enrol", "staff"), make_key("jobs,enrol", "staff")
    job = send(client, ENROL, ARCHIVE, first)
    finished(client, [{"person": "Ann", "photo": "Ann/1.png", "outcome": "enrolled", "codes": [], "reasons": []}])
    assert client.get(f"/v1/jobs/{job}/result", headers=first).json()["items"][0]["person"] == "Ann"
    assert "Ann" not in str(client.get(f"/v1/jobs/{job}/result", headers=second).json()["items"])


class Drip:
    """An archive that comes in two pieces; the second when somebody says so."""

    def __init__(self) -> None:
        self.begun, self.goes_on = Event(), Event()

    def __iter__(self) -> Iterator[bytes]:
        yield ARCHIVE[:100]
        self.begun.set()
        self.goes_on.wait(PATIENCE)
        yield ARCHIVE[100:]


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.enable_socket
def test_a_key_sends_one_archive_at_a_time_and_leaves_the_places_to_others(
    settings: ServerSettings, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runner, "start", lambda _: None)
    monkeypatch.setattr("marginface.server.service.load_recognizer", lambda _: red_recognizer())
    slow, other = make_key("jobs,cluster"), make_key("jobs,cluster")
    with running(make_app(settings)) as address, httpx.Client(base_url=address, timeout=PATIENCE) as client:
        first, second = (asked(client, slow) for _ in range(2))
        theirs, drip = asked(client, other), Drip()
        with ThreadPoolExecutor(1) as sending:
            sent = sending.submit(client.put, f"/v1/jobs/{first}/archive", content=drip, headers=slow)
            assert drip.begun.wait(PATIENCE)
            wait_for_file(settings)
            refused = client.put(f"/v1/jobs/{second}/archive", content=ARCHIVE, headers=slow)
            assert (refused.status_code, refused.json()["error"]["code"]) == (429, "already_sending")
            assert int(refused.headers["retry-after"]) > 0
            assert client.put(f"/v1/jobs/{theirs}/archive", content=ARCHIVE, headers=other).status_code == 200
            drip.goes_on.set()
            assert sent.result(PATIENCE).status_code == 200
        assert client.put(f"/v1/jobs/{second}/archive", content=ARCHIVE, headers=slow).status_code == 200


def asked(client: httpx.Client, key: dict[str, str]) -> str:
    return str(client.post("/v1/jobs", json={"kind": "cluster"}, headers=key).json()["id"])


def wait_for_file(settings: ServerSettings) -> None:
    wait_for(lambda: list(Path(settings.gallery + ".service.d").glob("*")), "the archive does not come")


def test_one_key_leaves_half_of_the_places_to_others(
    start: Start, settings: ServerSettings, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runner, "start", lambda _: None)
    limits = settings.limits.model_copy(update={"open_jobs": 8, "archives": 2})
    client = start(settings.model_copy(update={"limits": limits}))
    greedy, other = make_key("jobs,cluster"), make_key("jobs,cluster")

    def ask(key: dict[str, str]) -> Any:
        return client.post("/v1/jobs", json={"kind": "cluster"}, headers=key)

    def sends(job: str, key: dict[str, str]) -> int:
        return client.put(f"/v1/jobs/{job}/archive", content=ARCHIVE, headers=key).status_code

    made = [ask(greedy) for _ in range(5)]
    assert [answer.status_code for answer in made] == [201] * 4 + [503]
    assert "of your key" in made[4].json()["error"]["message"]
    assert [sends(answer.json()["id"], greedy) for answer in made[:2]] == [200, 503]
    theirs = ask(other)
    assert (theirs.status_code, sends(theirs.json()["id"], other)) == (201, 200)
