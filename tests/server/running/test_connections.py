"""Connections that say nothing, headers that never end, bodies that drip: closed in time, and nobody else waits."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from marginface.server.app import make_app
from marginface.server.running.connections import ImpatientConnection
from marginface.server.settings import VARIABLE, Limits, ServerSettings
from oracles.enrolments import red_recognizer
from oracles.patience import PATIENCE
from oracles.running import running
from oracles.served import MakeKey

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]
SECONDS, MOST = 0.5, 40


@pytest.fixture
def port(settings: ServerSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A service whose patience is half a second, and that keeps 40 connections."""
    limits = Limits(decoders=1, header_seconds=SECONDS, body_seconds=SECONDS, connections=MOST)
    impatient = settings.model_copy(update={"limits": limits})
    monkeypatch.setenv(VARIABLE, impatient.model_dump_json())
    monkeypatch.setattr("marginface.server.service.load_recognizer", lambda _: red_recognizer())
    with running(make_app(impatient), http=ImpatientConnection, limit_concurrency=MOST) as address:
        yield urlsplit(address).port or 0


def connected(port: int, begin: bytes = b"") -> socket.socket:
    one = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    one.sendall(begin)
    return one


def everything(one: socket.socket) -> bytes:
    """Return all that comes until the service closes the connection."""
    said = b""
    try:
        while piece := one.recv(65536):
            said += piece
    except ConnectionResetError:
        pass
    return said


def is_alive(port: int) -> bool:
    with connected(port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n") as one:
        return everything(one).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("begin", [b"", b"GET /healthz HTTP/1.1\r\n", b"GET /healthz HTTP/1.1\r\nX-A: "])
def test_a_request_that_does_not_come_is_not_waited_for(port: int, begin: bytes) -> None:
    with connected(port, begin) as one:
        began = time.monotonic()
        assert not everything(one).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - began < SECONDS + PATIENCE / 2
    assert is_alive(port)


def test_headers_that_drip_are_not_waited_for(port: int) -> None:
    with connected(port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n") as one:
        began = time.monotonic()
        drip(one, until=began + SECONDS + PATIENCE / 2)
        assert time.monotonic() - began < SECONDS + PATIENCE / 2
    assert is_alive(port)


def drip(one: socket.socket, until: float) -> None:
    """Send a header after the other, until the connection breaks."""
    while time.monotonic() < until:
        try:
            one.sendall(b"X-Drip: 1\r\n")
        except OSError:
            return
        time.sleep(0.05)


def test_a_body_that_drips_is_cut_off(port: int) -> None:
    head = b"POST /v1/detect HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    with connected(port, head + b"Content-Length: 1000\r\n\r\n--b\r\n") as one:
        began = time.monotonic()
        said = everything(one)
        assert time.monotonic() - began < SECONDS + PATIENCE / 2
    assert said.startswith(b"HTTP/1.1 408")
    assert is_alive(port)


@pytest.mark.parametrize(
    "path", ["/v1/detect", "/v1/collections", "/api/v1/detection/detect", "/api/v1/recognition/subjects"]
)
def test_a_stranger_is_refused_before_the_body_is_read(port: int, make_key: MakeKey, path: str) -> None:
    make_key("detect")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n"
    )
    with connected(port, head.encode()) as one:
        said = everything(one)
    assert said.startswith(b"HTTP/1.1 401")
    assert b"no key came" in said


def test_huge_headers_are_refused(port: int) -> None:
    with connected(port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"y" * 200_000) as one:
        assert everything(one).startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))
    assert is_alive(port)


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: -1",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: five",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Content-Length: " + b"9" * 5000,
    ],
)
def test_a_length_that_is_none_or_two_is_refused(port: int, lengths: bytes) -> None:
    head = b"POST /v1/detect HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
    with connected(port, head + lengths + b"\r\n\r\n12345") as one:
        status = everything(one).split(b" ")[1:2]
    assert status
    assert status[0].startswith(b"4")
    assert is_alive(port)


def test_silent_connections_beyond_the_places_do_not_shut_out_one_that_asks(port: int) -> None:
    with ExitStack() as held:
        for _ in range(3 * MOST):
            held.enter_context(connected(port))
        assert is_alive(port)


def test_a_second_request_that_does_not_come_is_not_waited_for(port: int) -> None:
    ask = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    with connected(port, ask + b"\r\n") as one:
        assert one.recv(4096).startswith(b"HTTP/1.1 200")
        one.sendall(ask)
        began = time.monotonic()
        drip(one, until=began + SECONDS + PATIENCE / 2)
        assert time.monotonic() - began < SECONDS + PATIENCE / 2
    assert is_alive(port)


def test_a_connection_serves_many_requests(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.connect()
    first = connection.sock
    for _ in range(4):
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b'{"status":"alive"}')
        time.sleep(SECONDS / 2)
    assert connection.sock is first
    connection.close()


def test_more_that_ask_than_it_keeps_are_told_so_and_it_recovers(port: int) -> None:
    told = [_told_beside_many(port) for _ in range(5)]  # a slow machine may have given some up before all are there
    assert any(one.startswith(b"HTTP/1.1 503") for one in told)
    time.sleep(SECONDS + 0.5)
    assert is_alive(port)


def _told_beside_many(port: int) -> bytes:
    head = b"POST /v1/detect HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    with ExitStack() as held:
        for _ in range(MOST + 24):
            held.enter_context(connected(port, head))
        with connected(port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n") as one:
            return everything(one)


def test_answers_that_are_not_read_hold_no_place(port: int) -> None:
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 60  # more than the sockets hold
    with ExitStack() as held:
        for _ in range(MOST):
            held.enter_context(connected(port, asked))
        until = time.monotonic() + PATIENCE
        while not is_alive(port) and time.monotonic() < until:
            time.sleep(SECONDS / 2)
        assert is_alive(port)
