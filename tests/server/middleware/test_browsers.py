"""What a browser may be made to do: nothing by a page of another site, nothing that our own page does not need."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from marginface.server.settings import ServerSettings
from oracles.served import MakeKey, Start

HOST = "127.0.0.1:8000"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.", "", "[::2]"]
)
def test_a_name_that_was_bound_to_this_machine_is_not_ours(client: TestClient, host: str) -> None:
    answer = client.get("/v1", headers={"host": host})
    assert (answer.status_code, answer.json()["error"]["code"]) == (421, "wrong_host")


@pytest.mark.parametrize("host", [HOST, "localhost:8000", "LOCALHOST", "[::1]:8000"])
def test_names_of_loopback_are_ours(client: TestClient, host: str) -> None:
    assert client.get("/v1", headers={"host": host}).status_code == 200


def test_another_name_is_ours_where_it_was_told(start: Start, settings: ServerSettings) -> None:
    client = start(settings.model_copy(update={"names": ("faces.example",)}))
    assert client.get("/v1", headers={"host": "faces.example"}).status_code == 200
    assert client.get("/v1", headers={"host": "other.example"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:9000"},
        {"origin": "http://localhost:8000"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "origin": "null"},  # a form in a sandbox
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    ],
)
def test_a_page_of_another_site_changes_nothing(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/v1/collections", json={"name": "made by a page"}, headers={"host": HOST, **headers})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_page")
    assert client.get("/v1/collections").json()["items"] == []


def test_our_own_page_may(client: TestClient) -> None:
    headers = {"host": HOST, "origin": f"http://{HOST}", "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}
    assert client.post("/v1/collections", json={"name": "made here"}, headers=headers).status_code == 201


FOLLOWED = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
HEAVY = ("/v1/collections/staff/check", "/v1/audit/check", "/v1/events/check", "/metrics", "/v1", "/openapi.json")


def test_a_link_to_the_page_may_be_followed(client: TestClient) -> None:
    assert client.get("/", headers={"host": HOST, **FOLLOWED}).status_code == 200
    old = {"host": HOST, "referer": "https://elsewhere.example/links"}
    assert client.get("/", headers=old).status_code == 200
    assert client.post("/", headers={"host": HOST, **FOLLOWED}).status_code == 403
    assert client.get("/", headers={"host": HOST, **FOLLOWED, "sec-fetch-dest": "iframe"}).status_code == 403


@pytest.mark.parametrize("path", HEAVY)
@pytest.mark.parametrize(
    "headers",
    [
        FOLLOWED,  # a link, window.open, a redirect of another site
        {**FOLLOWED, "sec-fetch-dest": "iframe"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"},  # another port
        {"referer": "https://evil.example/"},  # a picture, in a browser that says no more
        {"referer": "http://["},
        {"origin": "http://["},
    ],
    ids=["window", "frame", "picture", "other port", "old browser", "no address", "no origin"],
)
def test_a_page_of_another_site_starts_no_work(client: TestClient, path: str, headers: dict[str, str]) -> None:
    """While no key was made such a request would be carried out, though the page could not read the answer."""
    answer = client.get(path, headers={"host": HOST, **headers})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_page")


@pytest.mark.parametrize("path", HEAVY)
def test_our_own_page_and_who_types_an_address_may_look(client: TestClient, path: str) -> None:
    client.post("/v1/collections", json={"name": "staff"})
    own = {"referer": f"http://{HOST}/", "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}
    typed = {**FOLLOWED, "sec-fetch-site": "none"}
    for headers in (own, typed, {}):
        assert client.get(path, headers={"host": HOST, **headers}).status_code == 200


@pytest.mark.parametrize("path", ["/v1", "/v1/collections", "/nowhere", "/openapi.json"])
def test_there_is_no_cors(client: TestClient, make_key: MakeKey, path: str) -> None:
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for answer in (client.options(path, headers=asked), client.get(path, headers={"origin": f"http://{HOST}"})):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["/healthz", "/v1", "/nowhere", "/openapi.json", "/v1/collections"])
def test_every_answer_has_the_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy or "default-src 'self'" in policy
    assert "http:" not in policy
    assert "https:" not in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def test_a_form_as_text_is_no_json(client: TestClient) -> None:
    body = '{"name": "smuggled"}'
    answer = client.post("/v1/collections", content=body, headers={"content-type": "text/plain"})
    assert answer.status_code in (415, 422)
