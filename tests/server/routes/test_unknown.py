"""What a request says and its route does not ask for is refused; what FastAPI finds wrong is said in words."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from oracles.served import MakeKey, png_of
from oracles.staff import STAFF, decode_in_this_process, make_staff


@pytest.fixture(autouse=True)
def here(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    decode_in_this_process(monkeypatch)
    make_staff(client)


def said(answer: object) -> str:
    assert answer.status_code == 422, answer.text  # type: ignore[attr-defined]
    return str(answer.json()["error"]["message"])  # type: ignore[attr-defined]


def test_a_misspelled_rate_does_not_decide_at_the_default(client: TestClient) -> None:
    files = {"image_a": png_of(10), "image_b": png_of(11)}
    wrong = said(client.post("/v1/verify", files=files, data={"fnr": "1e-6"}))
    assert "unknown field 'fnr'. Did you mean 'fmr'? Known: image_a, image_b, fmr" in wrong
    assert "-F fmr=" in said(client.post("/v1/verify?fmr=1e-6", files=files))
    assert "unknown field 'photo'" in said(client.post("/v1/verify", files={**files, "photo": png_of(10)}))


def test_a_misspelled_parameter_does_not_list_everybody(client: TestClient) -> None:
    assert "unknown parameter 'nam'" in said(client.get(f"{STAFF}/persons?nam=ann"))
    assert client.get(f"{STAFF}/persons?q=ann&limit=3").status_code == 200
    assert "There is no parameter here" in said(client.get(f"{STAFF}/stats?x=1"))


def test_who_has_no_key_is_told_that_and_nothing_else(client: TestClient, make_key: MakeKey) -> None:
    key = make_key("people")
    assert client.get(f"{STAFF}/persons?nam=ann").status_code == 401
    assert "unknown parameter" in said(client.get(f"{STAFF}/persons?nam=ann", headers=key))


def test_other_systems_and_monitors_may_say_more(client: TestClient) -> None:
    assert client.get("/healthz?probe=1").status_code == 200
    assert client.get("/?utm=1").status_code == 200
    answer = client.post("/api/v1/detection/detect?new_in_theirs=1", files={"file": png_of(10)})
    assert answer.status_code == 200


def test_a_path_that_was_typed_for_a_photo_is_told_how_one_is_sent(client: TestClient) -> None:
    assert said(client.post("/v1/detect", data={"image": "a.jpg"})).endswith("With curl: -F image=@photo.jpg")


@pytest.mark.parametrize("body", ["nonsense", "{"])
def test_a_body_that_is_no_json_is_told_so(client: TestClient, body: str) -> None:
    kind = {"Content-Type": "application/json"}
    assert said(client.post(f"{STAFF}/persons", content=body, headers=kind)) == "body: this is no JSON"
    assert "Content-Type" in said(client.post(f"{STAFF}/persons", data={"name": "Zoe"}))


def test_words_of_the_library_are_left_out(client: TestClient) -> None:
    wrong = said(client.post("/v1/detect", files={"image": png_of(10)}, data={"quality": "best"}))
    assert wrong.startswith("quality: unknown quality gate 'best'")


@pytest.mark.parametrize(
    ("method", "path", "taken"),
    [
        ("PUT", "/v1/detect", "POST"),
        ("PUT", "/v1/collections", "GET, POST"),
        ("POST", STAFF, "GET, PATCH, DELETE"),
        ("POST", "/api/v1/recognition/subjects/Ann", "PUT, DELETE"),
    ],
)
def test_all_that_a_path_takes_is_said(client: TestClient, method: str, path: str, taken: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, taken)
    assert answer.json()["error"]["message"].endswith(f"this path takes {taken}")
