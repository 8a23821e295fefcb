"""A call is tried again where that is safe, and only there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO

import httpx2
import pytest

from marginface.client import Client
from marginface.client.collection import CollectionClient
from marginface.client.transport import Call, Patience, Transport
from marginface.errors import BusyError, ConflictError, InputError, NotFoundError, ServiceError, ServiceUnreachable

Answering = Callable[[httpx2.Request], httpx2.Response]


class Script:
    """Answers each request with the next of a list: a response, or an error that is raised."""

    def __init__(self, *outcomes: httpx2.Response | Exception) -> None:
        self.outcomes = list(outcomes)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        self.requests.append(request)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("marginface.client.transport.time.sleep", slept.append)
    return slept


def transport(script: Script, attempts: int = 3) -> Transport:
    http = httpx2.Client(transport=httpx2.MockTransport(script), base_url="http://127.0.0.1:8000/")
    return Transport(http, Patience(attempts=attempts))


def refused(status: int, code: str = "busy", **headers: str) -> httpx2.Response:
    body = {"error": {"code": code, "message": "say why", "details": {"a": 1}}, "request_id": "r1"}
    return httpx2.Response(status, json=body, headers=headers)


def done() -> httpx2.Response:
    return httpx2.Response(200, json={"ok": True})


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again_when_it_says(status: int, waits: list[float]) -> None:
    script = Script(refused(status, **{"Retry-After": "7"}), done())
    assert transport(script).json(Call("POST", "v1/verify", json={})) == {"ok": True}
    assert waits == [7.0]


def test_a_date_to_come_back_at_is_understood(waits: list[float]) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    transport(Script(refused(503, **{"Retry-After": later}), done())).json(Call("GET", "v1"))
    assert 15 < waits[0] <= 20


def test_no_wait_is_longer_than_patience_allows(waits: list[float]) -> None:
    transport(Script(refused(429, **{"Retry-After": "9999"}), done())).json(Call("GET", "v1"))
    assert waits == [30.0]


def test_waits_grow_where_nothing_is_asked(waits: list[float]) -> None:
    script = Script(refused(503), refused(503), refused(503))
    with pytest.raises(BusyError, match="say why") as told:
        transport(script).json(Call("GET", "v1"))
    assert (told.value.code, told.value.details, told.value.request_id) == ("busy", {"a": 1}, "r1")
    assert len(script.requests) == 3
    assert 0.1 <= waits[0] <= 0.2 <= waits[1] <= 0.4


def test_a_post_carries_one_key_and_one_body_over_all_attempts(waits: list[float]) -> None:
    script = Script(httpx2.ReadError("broken"), httpx2.ConnectError("refused"), done())
    part = ("image", ("photo", b"1234", "application/octet-stream"))
    transport(script).json(Call("POST", "v1/detect", parts=[part], form={"crops": True, "quality": None}))
    assert len({request.headers["Idempotency-Key"] for request in script.requests}) == 1
    assert len({request.content for request in script.requests}) == 1
    assert b'name="crops"\r\n\r\ntrue' in script.requests[0].content
    assert b"quality" not in script.requests[0].content


def test_what_is_still_being_carried_out_is_waited_for(waits: list[float]) -> None:
    running = refused(409, "idempotency_running", **{"Retry-After": "2"})
    script = Script(httpx2.ReadTimeout("slow"), running, done())
    assert transport(script).json(Call("DELETE", "v1/collections/staff")) == {"ok": True}
    assert waits[1:] == [2.0]
    assert len({request.headers["Idempotency-Key"] for request in script.requests}) == 1


def test_an_answer_that_is_not_taken_keeps_no_connection(waits: list[float]) -> None:
    busy = httpx2.Response(503, content=iter([b"later"]))
    with transport(Script(busy, done())).stream(Call("POST", "v1/x")) as pieces:
        assert b"".join(pieces)
    assert busy.is_closed


def test_two_calls_have_two_keys() -> None:
    script = Script(done(), done())
    for _ in range(2):
        transport(script).json(Call("POST", "v1/x", json={}))
    assert len({request.headers["Idempotency-Key"] for request in script.requests}) == 2


def test_a_delete_that_may_have_happened_is_sent_again_with_its_key(waits: list[float]) -> None:
    script = Script(httpx2.ReadError("broken"), httpx2.ConnectError("refused"), done())
    assert transport(script).json(Call("DELETE", "v1/collections/staff")) == {"ok": True}
    assert len({request.headers["Idempotency-Key"] for request in script.requests}) == 1


def test_a_step_that_leaves_a_path_is_refused_before_anything_is_asked() -> None:
    script = Script(done())
    staff = CollectionClient(transport(script), "staff")
    for erase in (lambda: staff.erase(".."), lambda: staff.delete_face(".."), lambda: staff.person(".")):
        with pytest.raises(InputError, match="opaque id"):
            erase()
    assert script.requests == []


def test_a_file_is_sent_from_its_beginning_each_time(waits: list[float]) -> None:
    script = Script(httpx2.ReadError("broken"), done())
    transport(script).json(Call("PUT", "v1/jobs/j/archive", content=BytesIO(b"archive")))
    assert [request.content for request in script.requests] == [b"archive", b"archive"]


@pytest.mark.parametrize(("status", "kind"), [(404, NotFoundError), (409, ConflictError), (500, ServiceError)])
def test_what_is_refused_for_good_is_not_asked_again(status: int, kind: type[ServiceError]) -> None:
    script = Script(refused(status, "why"))
    with pytest.raises(kind) as told:
        transport(script).json(Call("GET", "v1"))
    assert type(told.value) is kind
    assert told.value.status == status
    assert len(script.requests) == 1


def test_an_answer_that_is_not_ours_is_told() -> None:
    page = httpx2.Response(200, text="<html>", headers={"content-type": "text/html"})
    with pytest.raises(ServiceError, match="text/html"):
        transport(Script(page)).json(Call("GET", "v1"))
    with pytest.raises(ServiceError, match="502 Bad Gateway"):
        transport(Script(httpx2.Response(502, text="<html>"))).json(Call("GET", "v1"))


def test_an_answer_of_another_version_is_told() -> None:
    http = httpx2.Client(transport=httpx2.MockTransport(Script(httpx2.Response(200, json={"faces": [{}]}))))
    with Client("http://127.0.0.1:8000", http=http) as client, pytest.raises(ServiceError, match="same version"):
        client.about()


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.enable_socket
def test_nobody_there(waits: list[float]) -> None:
    with Client("http://127.0.0.1:9", patience=Patience(attempts=2)) as client:
        with pytest.raises(ServiceUnreachable, match=r"Is the service running") as told:
            client.about()
        assert "2 attempts" in str(told.value)
        assert not client.is_alive()
