"""A collection of a service with two people in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from marginface.errors import ImageTooLarge, UnreadableImage
from marginface.images import read_image
from marginface.server.decoding.process import Fault
from marginface.server.settings import Limits
from marginface.values import ImageArray
from oracles.served import png_of

STAFF = "/v1/collections/staff"


class DecoderHere:
    """Stands in for a process that decodes: each costs a moment to start, and they have their own tests."""

    is_alive = True

    def __init__(self, limits: Limits) -> None:
        self.photos = 0

    def decode(self, content: bytes, limits: Limits) -> ImageArray | Fault:
        self.photos += 1
        try:
            return read_image(content, max_pixels=limits.pixels)
        except ImageTooLarge as error:
            return Fault("too_large", str(error).partition(": ")[2])
        except UnreadableImage as error:
            return Fault("unreadable", str(error).partition(": ")[2])

    def kill(self) -> None:
        pass

    def end(self) -> None:
        pass


def decode_in_this_process(patch: pytest.MonkeyPatch) -> None:
    """Let services that are started from now on decode photos where they are."""
    patch.setattr("marginface.server.decoding.decoder.DecoderProcess", DecoderHere)


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
