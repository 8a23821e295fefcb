"""A service of red faces: its answers can be computed by hand, and it starts in a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from marginface.gallery import Gallery
from marginface.server.access import KeyStore, NewKey, parse_scopes
from marginface.server.app import make_app
from marginface.server.settings import Limits, ServerSettings
from marginface.server.state import open_state
from marginface.server.state.places import state_address
from oracles.enrolments import red_recognizer
from oracles.sent_archives import look_often
from oracles.served import MakeKey, Start


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    """A gallery that nobody is in yet, and one decoding process."""
    (tmp_path / "keys").mkdir()
    key = tmp_path / "keys" / "gallery.key"
    Gallery.create(tmp_path / "people.db", key=key).close()
    limits = Limits(decoders=1, photo_bytes=200_000, body_bytes=1_000_000, pixels=1_000_000, photos=4)
    return ServerSettings(gallery=str(tmp_path / "people.db"), key_file=key, limits=limits)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a service in this process, and stop it at the end."""
    monkeypatch.setattr("marginface.server.service.load_recognizer", lambda _: red_recognizer())
    look_often(monkeypatch)
    with ExitStack() as running:

        def begin(settings: ServerSettings) -> TestClient:
            client = TestClient(make_app(settings), base_url="http://127.0.0.1:8000", raise_server_exceptions=False)
            return running.enter_context(client)

        yield begin


@pytest.fixture
def client(start: Start, settings: ServerSettings) -> TestClient:
    """An open service on this machine: no key was made."""
    return start(settings)


@pytest.fixture
def make_key(settings: ServerSettings) -> MakeKey:
    """Make a key for scopes and collections; return the header that carries it."""

    def make(scopes: str, *collections: str) -> dict[str, str]:
        state = open_state(state_address(settings.gallery))
        try:
            _, token = KeyStore(state).create(NewKey(parse_scopes(scopes), collections))
        finally:
            state.close()
        return {"Authorization": f"Bearer {token}"}

    return make
