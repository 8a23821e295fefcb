"""Answers that are read slowly do not pile up."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from marginface.server.middleware.bodies import is_answered_at_length
from marginface.server.middleware.large import LargeAnswers


def scope_of(path: str) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path, "headers": []}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/collections/staff/export", True), ("/v1/reports/r-1", True), ("/v1/runs/r-1/report", True),
        ("/v1/evaluations/v-1/report", True), ("/v1/evaluations/v-1/tables/csv", True),
        ("/v1/runs/r-1", False), ("/v1/runs/r-1/journal", False), ("/v1/evaluations", False), ("/v1/verify", False),
    ],
)  # fmt: skip
def test_archives_reports_and_tables_are_large(path: str, expected: bool) -> None:
    assert is_answered_at_length(scope_of(path)) is expected


def test_so_many_are_given_at_once_and_one_that_is_over_or_fails_makes_room() -> None:
    async def visit() -> None:
        taken = asyncio.Event()
        said: list[dict[str, Any]] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/v1/runs":
                await send({"type": "http.response.start", "status": 200})
                return
            await taken.wait()  # by a caller who reads slowly
            raise ConnectionResetError

        async def send(message: Any) -> None:
            said.append(message)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        middleware = LargeAnswers(app, most=2)
        slow = [asyncio.create_task(middleware(scope_of("/v1/reports/r-1"), receive, send)) for _ in range(2)]
        await asyncio.sleep(0)
        await middleware(scope_of("/v1/reports/r-2"), receive, send)
        assert said[0]["status"] == 503
        assert dict(said[0]["headers"])[b"retry-after"] == b"1"
        error = json.loads(said[1]["body"])["error"]
        assert (error["code"], error["message"][:24]) == ("overloaded", "2 archives, reports and ")
        await middleware(scope_of("/v1/runs"), receive, send)
        assert said[2]["status"] == 200, "what is small is answered"
        taken.set()
        assert {type(done) for done in await asyncio.gather(*slow, return_exceptions=True)} == {ConnectionResetError}
        with pytest.raises(ConnectionResetError):
            await middleware(scope_of("/v1/reports/r-1"), receive, send)

    asyncio.run(visit())
