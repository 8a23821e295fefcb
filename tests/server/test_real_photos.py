"""Real faces over HTTP: photos of LFW are enrolled, found in other photos, and erased."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from marginface.gallery import Gallery
from marginface.server.app import make_app
from marginface.server.settings import Limits, ServerSettings
from oracles.staff import STAFF

PEOPLE = 10


@pytest.fixture(scope="module")
def lfw(shared_data: Path) -> list[Path]:
    folders = sorted(folder for folder in (shared_data / "lfw").iterdir() if photo(folder, 2).exists())
    return folders[:: len(folders) // (2 * PEOPLE)]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, lfw: list[Path]) -> Iterator[TestClient]:
    address = tmp_path_factory.mktemp("real") / "people.db"
    Gallery.create(address, sealed=False).close()
    settings = ServerSettings(gallery=str(address), limits=Limits(decoders=1))
    with TestClient(make_app(settings), base_url="http://127.0.0.1:8000") as opened:
        opened.post("/v1/collections", json={"name": "staff"})
        yield opened


def photo(folder: Path, number: int) -> Path:
    return folder / f"{folder.name}_{number:04d}.jpg"


def identify(client: TestClient, path: Path) -> Any:
    sent = {"files": {"image": path.read_bytes()}, "data": {"faces": "center"}}
    return client.post(f"{STAFF}/identify", **sent).json()  # type: ignore[arg-type]


def test_people_of_lfw_are_enrolled_found_and_erased(client: TestClient, lfw: list[Path]) -> None:
    known, strangers = lfw[:PEOPLE], lfw[PEOPLE : 2 * PEOPLE]
    uids = {}
    for folder in known:
        person = client.post(f"{STAFF}/persons", json={"name": folder.name}).json()["uid"]
        sent = {"files": {"images": photo(folder, 1).read_bytes()}, "data": {"faces": "center", "review": "off"}}
        told = client.post(f"{STAFF}/persons/{person}/faces", **sent).json()  # type: ignore[arg-type]
        assert told["complete"], told
        uids[folder] = person
    found = [identify(client, photo(folder, 2)) for folder in known]
    right = [told["faces"][0]["uid"] == uids[folder] for folder, told in zip(known, found, strict=True)]
    assert sum(right) >= 0.8 * PEOPLE
    assert sum(identify(client, photo(folder, 1))["decision"] == "match" for folder in strangers) <= 1
    gone = next(folder for folder, one in zip(known, right, strict=True) if one)
    assert client.delete(f"{STAFF}/persons/{uids[gone]}").json()["complete"]
    again = identify(client, photo(gone, 2))
    assert uids[gone] not in str(again)
    assert again["comparisons"] == PEOPLE - 1
