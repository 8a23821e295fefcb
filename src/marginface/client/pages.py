"""A listing, read page by page while it is walked through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from marginface.client.reading import read
from marginface.client.transport import Call, Transport
from marginface.errors import ServiceError

Item = TypeVar("Item", bound=BaseModel)


def items(transport: Transport, path: str, kind: type[Item], query: Mapping[str, Any] | None = None) -> Iterator[Item]:
    """Yield the items of a listing as values; the next page is asked for when it is reached."""
    return (read(kind, item) for item in pages(transport, path, query))


def pages(transport: Transport, path: str, query: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the items of a listing as they come."""
    cursor = None
    while True:
        answer = transport.json(Call("GET", path, {**(query or {}), "cursor": cursor}))
        if not isinstance(answer, dict) or not isinstance(answer.get("items"), list):
            raise ServiceError(f"{path}: the answer is no listing. Do client and service have the same version?")
        yield from answer["items"]
        cursor = answer.get("next_cursor")
        if not cursor:
            return
