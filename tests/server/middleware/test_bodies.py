"""A body is refused before it is held: by its sender, its size, its pace, and the room that is left."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from marginface.server.app import make_app
from marginface.server.middleware.body import BodyLimits
from marginface.server.settings import Limits, ServerSettings
from oracles.served import MakeKey, png_of

LIMITS = Limits(body_bytes=4096, bodies_bytes=6144, body_seconds=60, archive_rate=10_000)
HASTY = LIMITS.model_copy(update={"body_seconds": 0.2})


class Wire:
    """A connection that hands out a body in pieces, counts them, and keeps what is answered."""

    def __init__(self, pieces: list[bytes], pause: float = 0.0) -> None:
        self.pieces = pieces
        self.pause = pause
        self.read = 0
        self.status = 0

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(self.pause)
        body = self.pieces[self.read]
        self.read += 1
        return {"type": "http.request", "body": body, "more_body": self.read < len(self.pieces)}

    async def send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)


def scope_of(length: int | None = None) -> dict[str, Any]:
    declared = [] if length is None else [(b"content-length", str(length).encode())]
    return {
        "type": "http", "method": "POST", "path": "/v1/detect", "headers": [(b"host", b"127.0.0.1"), *declared],
        "query_string": b"", "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80), "scheme": "http",
    }  # fmt: skip


async def reads_all(scope: Any, receive: Any, send: Any) -> None:
    while (await receive())["more_body"]:
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})


def test_who_has_no_key_is_refused_before_a_byte_of_the_body_is_read(
    client: TestClient, make_key: MakeKey, settings: ServerSettings
) -> None:
    make_key("detect")
    app, wire = make_app(settings), Wire([bytes(10)] * 3)
    app.state.service = client.app.state.service  # type: ignore[attr-defined]
    asyncio.run(app(scope_of(), wire.receive, wire.send))
    assert (wire.status, wire.read) == (401, 0)


def test_a_declared_length_is_refused_before_it_is_read() -> None:
    wire = Wire([bytes(5000)])
    asyncio.run(BodyLimits(reads_all, LIMITS)(scope_of(5000), wire.receive, wire.send))
    assert (wire.status, wire.read) == (413, 0)


def test_a_length_that_lies_is_counted(client: TestClient) -> None:
    wire = Wire([bytes(1000)] * 50)
    with pytest.raises(HTTPException) as refused:
        asyncio.run(BodyLimits(reads_all, LIMITS)(scope_of(10), wire.receive, wire.send))
    assert refused.value.status_code == 413
    assert wire.read == 5


def test_a_body_that_comes_too_slowly_is_given_up() -> None:
    wire = Wire([b"x"] * 50, pause=0.05)
    with pytest.raises(HTTPException) as refused:
        asyncio.run(BodyLimits(reads_all, HASTY)(scope_of(), wire.receive, wire.send))
    assert refused.value.status_code == 408


@pytest.mark.parametrize(("piece", "status"), [(1, 408), (100, 408), (200_000, 200)])
def test_an_archive_that_drips_is_given_up_and_one_that_is_only_long_is_not(piece: int, status: int) -> None:
    wire = Wire([bytes(piece)] * 12, pause=0.05)  # 0.6 s in all: 20, 2,000 or 4,000,000 bytes a second
    scope = scope_of() | {"method": "PUT", "path": "/v1/jobs/j-0123456789abcdef/archive"}
    try:
        asyncio.run(BodyLimits(reads_all, HASTY)(scope, wire.receive, wire.send))
    except HTTPException as refused:
        wire.status = refused.status_code
    assert wire.status == status


def test_who_has_sent_fast_does_not_rest_for_hours() -> None:
    wire = Wire([bytes(50_000), b""], pause=0.0)
    scope = scope_of() | {"method": "PUT", "path": "/v1/jobs/j-0123456789abcdef/archive"}

    async def rests() -> dict[str, Any]:
        await asyncio.sleep(1.0 if wire.read else 0.0)
        return await wire.receive()

    with pytest.raises(HTTPException) as refused:
        asyncio.run(BodyLimits(reads_all, HASTY)(scope, rests, wire.send))
    assert (refused.value.status_code, wire.read) == (408, 1)


def test_all_bodies_together_have_so_much_room_and_give_it_back() -> None:
    limited = BodyLimits(reads_all, LIMITS)

    async def two_at_once() -> tuple[Wire, Wire, Wire]:
        first, second, third = Wire([bytes(3500), b""]), Wire([bytes(3500)]), Wire([bytes(3500)])
        half, goes_on = asyncio.Event(), asyncio.Event()

        async def in_two_pieces() -> dict[str, Any]:
            if first.read:
                half.set()
                await goes_on.wait()
            return await first.receive()

        running = asyncio.create_task(limited(scope_of(3500), in_two_pieces, first.send))
        await half.wait()
        await limited(scope_of(3500), second.receive, second.send)
        goes_on.set()
        await running
        await limited(scope_of(3500), third.receive, third.send)
        return first, second, third

    assert [wire.status for wire in asyncio.run(two_at_once())] == [200, 503, 200]


def test_a_photo_that_is_small_enough_still_comes_through(client: TestClient, make_key: MakeKey) -> None:
    key = make_key("detect")
    assert client.post("/v1/detect", files={"image": png_of(10)}, headers=key).status_code == 200


def test_json_is_small(client: TestClient) -> None:
    nested = b"[" * 1_000_000 + b"]" * 1_200_000
    limits = Limits(body_bytes=4 << 20)
    wire = Wire([nested])
    scope = scope_of(len(nested))
    scope["headers"] = [*scope["headers"], (b"content-type", b"application/json")]
    asyncio.run(BodyLimits(reads_all, limits)(scope, wire.receive, wire.send))
    assert (wire.status, wire.read) == (413, 0)
