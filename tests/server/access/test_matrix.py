"""Every route × every scope × whose key: made from the app's own routes, so that a new one is in it.

A request carries no body, and names nobody: whether it passes the Gate shows before either matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from marginface.gallery import Gallery
from marginface.server.access import KeyStore, NewKey, Scope
from marginface.server.access.rates import Rates
from marginface.server.app import make_app
from marginface.server.settings import Limits, ServerSettings
from marginface.server.state import open_state
from marginface.server.state.places import state_address
from oracles.enrolments import red_recognizer
from oracles.routing import Door, doors_of

# What answers without a key: signs of life, the description of the API, a report to who has a ticket for it, and the
# files of the page.
OPEN = {"/healthz", "/readyz", "/openapi.json", "/v1/reports/{report}"}
DOORS = [door for door in doors_of(make_app(ServerSettings(gallery="people.db"))) if door.gate is not None]
Header = dict[str, str]


def is_file(path: str) -> bool:
    return path == "/" or path.startswith("/web/")


class Keys:
    """A service with the collections ``own`` and ``other``, and keys of every kind."""

    def __init__(self, client: TestClient, settings: ServerSettings) -> None:
        self.client = client
        self._settings = settings
        self._made: dict[tuple[object, ...], Header] = {}
        self.admin = self.key(frozenset(Scope))
        self.restore()

    def key(self, scopes: frozenset[Scope], *collections: str, kind: str = "valid") -> Header:
        """Return the header of a key: valid, revoked or expired."""
        known = (scopes, collections, kind)
        if known not in self._made:
            expires = datetime.now(UTC) - timedelta(seconds=5) if kind == "expired" else None
            with closing(open_state(state_address(self._settings.gallery))) as state:
                store = KeyStore(state)
                made, token = store.create(NewKey(scopes, collections, "", expires))
                if kind == "revoked":
                    store.revoke(made.id)
            self._made[known] = {"Authorization": f"Bearer {token}"}
        return self._made[known]

    def restore(self) -> None:
        """Make the collections again, if a request that passed has erased one."""
        for name in ("own", "other"):
            self.client.post("/v1/collections", json={"name": name}, headers=self.admin)

    def ask(self, door: Door, collection: str, key: Header) -> int:
        answer = self.client.request(door.method, door.address(collection), headers=key)
        if door.method == "DELETE" and answer.status_code == 200:
            self.restore()
        return answer.status_code


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    folder = tmp_path_factory.mktemp("matrix")
    Gallery.create(folder / "people.db", sealed=False).close()
    limits = Limits(decoders=1, per_minute=10**6)
    settings = ServerSettings(gallery=str(folder / "people.db"), limits=limits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marginface.server.service.load_recognizer", lambda _: red_recognizer())
        patch.setattr(Rates, "count_wrong", lambda *_: None)  # thousands of wrong keys come from here
        with TestClient(make_app(settings), base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
            yield Keys(client, settings)


def title(door: Door) -> str:
    return f"{door.method} {door.path}"


@pytest.mark.parametrize("door", DOORS, ids=title)
def test_a_route_lets_its_own_scope_pass_and_nothing_else(keys: Keys, door: Door) -> None:
    assert door.gate is not None
    for scope in Scope:
        passes = door.gate.scope in (None, scope)
        only = frozenset({scope})
        assert (keys.ask(door, "own", keys.key(only)) not in (401, 403)) is passes, scope
        limited = keys.ask(door, "own", keys.key(only, "own"))
        assert (limited not in (401, 403)) is (passes and not door.gate.whole), scope
        if door.names_collection:
            assert keys.ask(door, "other", keys.key(only, "own")) == 403, scope
    for kind in ("revoked", "expired"):  # told before its scope is asked
        for scopes in (frozenset(Scope), frozenset(Scope) - {door.gate.scope}):
            assert keys.ask(door, "own", keys.key(scopes, kind=kind)) == 401, kind
    assert keys.ask(door, "own", {}) == 401
    assert keys.ask(door, "own", keys.key(frozenset(Scope) - {door.gate.scope})) == (403 if door.gate.scope else 200)


@pytest.mark.parametrize("door", [door for door in DOORS if door.names_collection], ids=title)
def test_nothing_tells_what_is_in_a_collection_of_others(keys: Keys, door: Door) -> None:
    client, admin = keys.client, keys.admin
    for name in ("own", "other"):
        client.post(f"/v1/collections/{name}/persons", json={"name": "Ann"}, headers=admin)
    uid = client.get("/v1/collections/other", headers=admin).json()["uid"]
    key = keys.key(frozenset(Scope), "own")
    told = set()
    for collection in ("other", uid, "nowhere", "c-0000000000000000"):
        for person in ("Ann", "Nobody"):
            answer = client.request(door.method, door.address(collection, person=person), headers=key)
            told.add((answer.status_code, str(answer.json()["error"])))
    assert len(told) == 1, told
    assert next(iter(told))[0] == 403


def test_every_route_has_a_gate_or_is_on_the_short_list() -> None:
    app = make_app(ServerSettings(gallery="people.db", limits=Limits()))
    ungated = {door.path for door in doors_of(app) if door.gate is None}
    assert {path for path in ungated if not is_file(path)} <= OPEN
    assert len(DOORS) > 25


def test_a_path_that_is_not_there_tells_no_more_with_a_key(keys: Keys) -> None:
    for key in ({}, keys.admin):
        assert keys.client.get("/v1/nothing", headers=key).status_code == 404


NEEDS = {
    "GET /v1/collections": None,
    "POST /v1/collections": Scope.MANAGE,
    "GET /v1/collections/{collection}": None,
    "PATCH /v1/collections/{collection}": Scope.MANAGE,
    "DELETE /v1/collections/{collection}": Scope.ERASE,
    "GET /v1/collections/{collection}/stats": Scope.STATS,
    "GET /v1/collections/{collection}/check": Scope.STATS,
    "GET /v1/collections/{collection}/persons": Scope.PEOPLE,
    "POST /v1/collections/{collection}/persons": Scope.ENROL,
    "GET /v1/collections/{collection}/persons/{person}": Scope.PEOPLE,
    "PATCH /v1/collections/{collection}/persons/{person}": Scope.MANAGE,
    "DELETE /v1/collections/{collection}/persons/{person}": Scope.ERASE,
    "POST /v1/collections/{collection}/persons/{person}/merge": Scope.MANAGE,
    "POST /v1/collections/{collection}/persons/{person}/move": Scope.MANAGE,
    "GET /v1/collections/{collection}/persons/{person}/faces": Scope.PEOPLE,
    "POST /v1/collections/{collection}/persons/{person}/faces": Scope.ENROL,
    "GET /v1/collections/{collection}/faces/{face}/crop": Scope.PEOPLE,
    "DELETE /v1/collections/{collection}/faces/{face}": Scope.MANAGE,
    "POST /v1/collections/{collection}/faces/{face}/move": Scope.MANAGE,
    "POST /v1/collections/{collection}/identify": Scope.IDENTIFY,
    "POST /v1/collections/{collection}/export": Scope.EXPORT,
    "GET /v1/audit": Scope.AUDIT,
    "GET /v1/audit/check": Scope.AUDIT,
    "POST /v1/detect": Scope.DETECT,
    "POST /v1/verify": Scope.VERIFY,
    "POST /v1/compare": Scope.VERIFY,
    "POST /v1/embed": Scope.TEMPLATES,
    "GET /v1/calibration": Scope.STATS,
}


def test_a_scope_is_changed_on_purpose_alone() -> None:
    """The matrix takes the scope of a route from the route: what it has to be is said here."""
    found = {title(door): door.gate.scope for door in DOORS if door.gate is not None}
    assert {name: found.get(name, "no such route") for name in NEEDS} == NEEDS


def test_what_is_about_the_whole_gallery_says_so() -> None:
    whole = {title(door) for door in DOORS if door.gate is not None and door.gate.whole}
    assert {"GET /v1/audit", "GET /v1/audit/check"} <= whole
