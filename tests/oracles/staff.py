"""A collection of a service with two people in it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from oracles.served import png_of

STAFF = "/v1/collections/staff"


class PoolHere:
    """Stands in for the processes that decode: each costs a second to start, and has its own tests."""

    def __init__(self, **_: object) -> None:
        pass

    def schedule(self, function: Callable[..., Any], args: list[Any], timeout: float) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(function(*args))
        return done

    def stop(self) -> None:
        pass

    def join(self, timeout: float) -> None:
        pass


def decode_in_this_process(patch: pytest.MonkeyPatch) -> None:
    """Let services that are started from now on decode photos where they are."""
    patch.setattr("marginface.server.photos.decoding.ProcessPool", PoolHere)


@dataclass(frozen=True)
class Staff:
    """A client, and the opaque ids of the people of the collection ``staff``."""

    client: TestClient
    ann: str
    ben: str

    def enrol(self, who: str, *blues: int, **data: str) -> Any:
        """Send photos of these shades of blue, and what else goes with them."""
        parts = [("images", png_of(blue)) for blue in blues]
        return self.client.post(f"{STAFF}/persons/{who}/faces", files=parts, data=data)


def make_staff(client: TestClient) -> Staff:
    """Make the collection over HTTP: Ann has blue 10, Ben blue 120."""
    assert client.post("/v1/collections", json={"name": "staff"}).status_code == 201
    uids = [client.post(f"{STAFF}/persons", json={"name": name}).json()["uid"] for name in ("Ann", "Ben")]
    staff = Staff(client, *uids)
    for who, blue in zip(uids, (10, 120), strict=True):
        assert staff.enrol(who, blue).status_code == 201
    return staff
