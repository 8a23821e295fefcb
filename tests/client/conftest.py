"""A running service of red faces, and a client of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marginface.client import Client
from marginface.gallery import Gallery
from marginface.server.access import KeyStore, NewKey, parse_scopes
from marginface.server.app import make_app
from marginface.server.settings import Limits, ServerSettings
from marginface.server.state import open_state
from marginface.server.state.places import state_address
from oracles.enrolments import red_recognizer
from oracles.running import running
from oracles.sent_archives import look_often

MakeClient = Callable[..., Client]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> ServerSettings:
    folder = tmp_path_factory.mktemp("service")
    (folder / "keys").mkdir()
    key = folder / "keys" / "gallery.key"
    red = red_recognizer().contract
    with Gallery.create(folder / "people.db", key=key) as gallery:
        for name in ("staff", "visitors"):
            gallery.create_collection(name, contract=red.id, embedding_size=2)
    limits = Limits(decoders=1, photo_bytes=200_000, body_bytes=1_000_000, pixels=1_000_000, photos=4)
    return ServerSettings(gallery=str(folder / "people.db"), key_file=key, limits=limits)


@pytest.fixture(scope="module")
def address(settings: ServerSettings) -> Iterator[str]:
    tests = Path(__file__).resolve().parents[1]
    seen = [str(tests / "oracles" / "hooks"), str(tests), os.environ.get("PYTHONPATH", "")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marginface.server.service.load_recognizer", lambda _: red_recognizer())
        look_often(patch)
        patch.setenv("PYTHONPATH", os.pathsep.join(part for part in seen if part))  # for the processes of jobs
        with running(make_app(settings)) as where:
            yield where


@pytest.fixture(scope="module")
def client_for(settings: ServerSettings, address: str) -> Iterator[MakeClient]:
    """Make a client with a key for scopes and collections."""
    made = []

    def make(scopes: str, *collections: str) -> Client:
        state = open_state(state_address(settings.gallery))
        _, token = KeyStore(state).create(NewKey(parse_scopes(scopes), collections))
        state.close()
        made.append(Client(address, token))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(scope="module")
def service(client_for: MakeClient) -> Client:
    return client_for("all")
