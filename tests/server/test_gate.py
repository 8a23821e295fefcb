"""Who is let in, and what is said to whom is not."""

from __future__ import annotations

import logging

import pytest
from starlette.testclient import TestClient

from marginface.server.settings import Limits, ServerSettings
from oracles.served import MakeKey, Start, png_of


def test_without_any_key_this_machine_may_ask(client: TestClient) -> None:
    about = client.get("/v1").json()
    assert about["caller"]["key"] is None
    assert "erase" in about["caller"]["scopes"]


def test_from_the_first_key_on_nobody_may_ask_without(client: TestClient, make_key: MakeKey) -> None:
    key = make_key("detect")
    assert client.get("/v1").status_code == 401
    assert client.get("/v1", headers=key).json()["caller"]["scopes"] == ["detect"]
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


def test_a_refusal_says_what_to_do_and_carries_an_id(client: TestClient, make_key: MakeKey) -> None:
    make_key("detect")
    answer = client.get("/v1", headers={"X-Request-ID": "from-the-proxy-1"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "no_key"
    assert "marginface keys create" in answer.json()["error"]["message"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "from-the-proxy-1"


def test_a_key_does_what_its_scopes_say_and_no_more(client: TestClient, make_key: MakeKey) -> None:
    key = make_key("detect")
    photo = {"image": png_of(10)}
    assert client.post("/v1/detect", files=photo, headers=key).status_code == 200
    refused = client.post("/v1/embed", files=photo, headers=key)
    assert refused.status_code == 403
    assert "templates" in refused.json()["error"]["message"]


def test_a_key_may_ask_so_often(start: Start, settings: ServerSettings, make_key: MakeKey) -> None:
    client = start(settings.model_copy(update={"limits": Limits(per_minute=3, decoders=1)}))
    key = make_key("detect")
    statuses = [client.get("/v1", headers=key).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert int(client.get("/v1", headers=key).headers["retry-after"]) >= 1
    assert client.get("/v1", headers=make_key("detect")).status_code == 200


def test_who_guesses_keys_has_to_wait(client: TestClient, make_key: MakeKey) -> None:
    good = make_key("detect")
    wrong = {"Authorization": "Bearer mf_000000000000_" + "A" * 43}
    statuses = [client.get("/v1", headers=wrong).status_code for _ in range(31)]
    assert statuses == [401] * 30 + [429]
    assert client.get("/v1", headers=good).status_code == 200  # who has one is not held back


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
def test_a_foreign_host_name_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/v1", headers={"Host": host})
    assert answer.status_code == 421
    assert "--name" in answer.json()["error"]["message"]


def test_a_name_that_was_told_is_known(start: Start, settings: ServerSettings) -> None:
    client = start(settings.model_copy(update={"names": ("faces.example",)}))
    assert client.get("/v1", headers={"Host": "Faces.Example:8443"}).status_code == 200
    assert client.get("/v1", headers={"Host": "localhost"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Mode": "navigate", "Origin": "https://evil.example"},
    ],
)
def test_a_page_of_another_site_may_not_ask(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/v1/detect", files={"image": png_of(10)}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "foreign_page"
    assert "access-control-allow-origin" not in answer.headers


def test_the_own_page_may_ask(client: TestClient) -> None:
    headers = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert client.get("/v1", headers=headers).status_code == 200


def test_there_is_no_cors(client: TestClient) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/v1/verify", headers=asked)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_answers_keep_browsers_from_more_than_the_page_needs(client: TestClient) -> None:
    for path in ("/v1", "/nowhere"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "http" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def test_the_log_has_the_route_and_the_key_and_no_name(
    client: TestClient, make_key: MakeKey, caplog: pytest.LogCaptureFixture
) -> None:
    key = make_key("detect")
    with caplog.at_level(logging.INFO, "marginface"):
        client.post("/v1/detect", files={"image": ("Ann Example.png", png_of(10))}, headers=key)
        client.post("/v1/detect?who=Ann", files={"image": ("Ann Example.png", png_of(10))}, headers=key)
    assert "POST /v1/detect 200" in caplog.text
    assert "POST /v1/detect 422" in caplog.text
    assert caplog.text.count(f"key={key['Authorization'].split('_')[1]}") == 2
    assert "Ann" not in caplog.text
    assert key["Authorization"].split("_", 2)[2] not in caplog.text
    assert key["Authorization"].split("_")[1] in caplog.text


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
def test_who_comes_through_a_proxy_is_not_this_machine(client: TestClient, header: str) -> None:
    assert client.get("/v1", headers={header: "203.0.113.7"}).status_code == 401
    assert client.get("/v1").status_code == 200


def test_a_path_with_a_slash_more_leads_nowhere(client: TestClient) -> None:
    client.post("/v1/collections", json={"name": "staff"})
    answer = client.delete("/v1/collections/staff/", follow_redirects=True)
    assert answer.status_code in (404, 405)
    assert client.get("/v1/collections/staff").status_code == 200
