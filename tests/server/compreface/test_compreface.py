"""CompreFace's calls, one by one, as its documentation has them: paths, parameters, shapes, status codes."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from io import BytesIO

import pytest
from httpx2 import Response
from PIL import Image
from starlette.testclient import TestClient

from marginface.gallery import Gallery
from marginface.server.access import KeyStore, NewKey, parse_scopes
from marginface.server.app import make_app
from marginface.server.settings import Limits, ServerSettings
from marginface.server.state import open_state
from marginface.server.state.places import state_address
from marginface.server.threads import Overloaded
from oracles.enrolments import red_recognizer
from oracles.served import png_of


def nothing() -> bytes:
    """Return a gray photo, as the bytes of a PNG."""
    stream = BytesIO()
    Image.new("RGB", (64, 64), (90, 90, 90)).save(stream, "PNG")
    return stream.getvalue()


TWO = ((20, 40, 120, 160), (180, 60, 280, 180))
NOTHING = nothing()
ALL = "detect,verify,identify,enrol,people,manage,erase,templates"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> ServerSettings:
    folder = tmp_path_factory.mktemp("service")
    (folder / "keys").mkdir()
    with Gallery.create(folder / "people.db", key=folder / "keys" / "gallery.key") as gallery:
        for name in ("staff", "visitors"):
            gallery.create_collection(name, contract=red_recognizer().contract.id, embedding_size=2)
    limits = Limits(decoders=1, photo_bytes=200_000, body_bytes=1_000_000)
    return ServerSettings(gallery=str(folder / "people.db"), key_file=folder / "keys" / "gallery.key", limits=limits)


@pytest.fixture(scope="module")
def service(settings: ServerSettings) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marginface.server.service.load_recognizer", lambda _: red_recognizer())
        with TestClient(make_app(settings), base_url="http://127.0.0.1:8000") as client:
            yield client


def key_for(settings: ServerSettings, scopes: str, *collections: str) -> dict[str, str]:
    state = open_state(state_address(settings.gallery))
    _, token = KeyStore(state).create(NewKey(parse_scopes(scopes), collections))
    state.close()
    return {"x-api-key": token}


@pytest.fixture
def api(service: TestClient, settings: ServerSettings) -> Iterator[TestClient]:
    """A client with a key for the collection 'staff', which is empty before and after."""
    service.headers = {**service.headers, **key_for(settings, ALL, "staff")}
    service.delete("/api/v1/recognition/faces")
    yield service
    service.delete("/api/v1/recognition/faces")


def said(answer: Response) -> tuple[str, int]:
    """Return CompreFace's message and number of an error."""
    return answer.json()["message"], answer.json()["code"]


def add(api: TestClient, subject: str, blue: int) -> str:
    answer = api.post(f"/api/v1/recognition/faces?subject={subject}", files={"file": ("a.png", png_of(blue))})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["image_id"])


def test_an_example_by_multipart_makes_its_subject(api: TestClient) -> None:
    answer = api.post("/api/v1/recognition/faces?subject=Ann", files={"file": ("a.png", png_of(10))})
    assert answer.status_code == 201
    assert answer.json().keys() == {"image_id", "subject"}
    uuid.UUID(answer.json()["image_id"])
    assert api.get("/api/v1/recognition/subjects/").json() == {"subjects": ["Ann"]}


def test_an_example_by_base64(api: TestClient) -> None:
    body = {"file": base64.b64encode(png_of(10)).decode()}
    answer = api.post("/api/v1/recognition/faces?subject=Ann", json=body)
    assert (answer.status_code, answer.json()["subject"]) == (201, "Ann")


@pytest.mark.parametrize(
    ("photo", "number"), [(NOTHING, 28), (png_of(10, *TWO), 31), (b"no photo", 21)], ids=["no face", "two", "no photo"]
)
def test_an_example_shows_one_face(api: TestClient, photo: bytes, number: int) -> None:
    answer = api.post("/api/v1/recognition/faces?subject=Ann", files={"file": ("a.png", photo)})
    assert (answer.status_code, answer.json()["code"]) == (400, number)
    assert answer.json()["message"] == answer.json()["error"]["message"]
    assert api.get("/api/v1/recognition/subjects").json() == {"subjects": []}


def test_recognize_lists_the_most_similar_subjects_with_their_cosine(api: TestClient) -> None:
    add(api, "Ann", 10)
    add(api, "Bob", 120)
    answer = api.post(
        "/api/v1/recognition/recognize?prediction_count=2&face_plugins=landmarks&status=true",
        files={"file": ("door.png", png_of(12, *TWO))},
    )
    assert answer.status_code == 200
    told = answer.json()
    assert len(told["result"]) == 2
    first = told["result"][0]
    assert first["box"].keys() == {"probability", "x_max", "y_max", "x_min", "y_min"}
    assert [len(first["landmarks"]), len(first["landmarks"][0])] == [5, 2]
    assert [one["subject"] for one in first["subjects"]] == ["Ann", "Bob"]
    cosine = float(red_recognizer().embed(png_of(12)).vector @ red_recognizer().embed(png_of(10)).vector)
    assert first["subjects"][0]["similarity"] == pytest.approx(cosine, abs=1e-4)
    assert first["decision"] == "match"
    assert told["plugins_versions"]["calculator"] == red_recognizer().contract.id
    assert not {"age", "gender", "mask", "embedding"} & first.keys()


def test_recognize_takes_the_largest_faces_and_base64(api: TestClient) -> None:
    add(api, "Ann", 10)
    body = {"file": base64.b64encode(png_of(12, *TWO)).decode()}
    told = api.post("/api/v1/recognition/recognize?limit=1", json=body).json()
    assert len(told["result"]) == 1
    assert "plugins_versions" not in told


def test_who_is_not_known_is_listed_and_not_a_match(api: TestClient) -> None:
    add(api, "Ann", 10)
    (face,) = api.post("/api/v1/recognition/recognize", files={"file": png_of(120)}).json()["result"]
    assert face["decision"] == "no match"
    assert face["subjects"][0]["similarity"] < face["threshold"]


def test_nobody_is_known_yet(api: TestClient) -> None:
    (face,) = api.post("/api/v1/recognition/recognize", files={"file": png_of(12)}).json()["result"]
    assert face["subjects"] == []


@pytest.mark.parametrize("path", ["recognition/recognize", "detection/detect"])
def test_a_photo_without_a_face(api: TestClient, path: str) -> None:
    answer = api.post(f"/api/v1/{path}", files={"file": NOTHING})
    assert (answer.status_code, said(answer)) == (400, ("No face is found in the given image", 28))


def test_faces_below_the_threshold_of_the_detector_are_none(api: TestClient) -> None:
    assert api.post("/api/v1/detection/detect?det_prob_threshold=0.9", files={"file": png_of(12)}).status_code == 200
    answer = api.post("/api/v1/detection/detect?det_prob_threshold=0.99", files={"file": png_of(12)})
    assert answer.json()["code"] == 28
    strict = api.post("/api/v1/recognition/faces?subject=A&det_prob_threshold=0.99", files={"file": png_of(12)})
    assert strict.json()["code"] == 28


def test_verify_two_photos(api: TestClient) -> None:
    files = {"source_image": png_of(10), "target_image": png_of(12, *TWO)}
    answer = api.post("/api/v1/verification/verify?fmr=0.01", files=files)
    assert answer.status_code == 200
    (told,) = answer.json()["result"]
    assert told.keys() == {"source_image_face", "face_matches"}
    assert [match["decision"] for match in told["face_matches"]] == ["same", "same"]
    both = {name: base64.b64encode(content).decode() for name, content in files.items()}
    assert api.post("/api/v1/verification/verify?fmr=0.01", json=both).json() == answer.json()


def test_the_source_of_a_verification_shows_one_face(api: TestClient) -> None:
    files = {"source_image": png_of(10, *TWO), "target_image": png_of(12)}
    answer = api.post("/api/v1/verification/verify", files=files)
    assert said(answer) == ("More than one face in the source image", 31)
    assert api.post("/api/v1/verification/verify?limit=1", files=files).status_code == 200


def test_verify_with_an_example(api: TestClient) -> None:
    image = add(api, "Ann", 10)
    answer = api.post(f"/api/v1/recognition/faces/{image}/verify?fmr=0.01", files={"file": png_of(120)})
    (face,) = answer.json()["result"]
    cosine = float(red_recognizer().embed(png_of(120)).vector @ red_recognizer().embed(png_of(10)).vector)
    assert face["similarity"] == pytest.approx(cosine, abs=1e-4)
    assert (face["subject"], face["decision"]) == ("Ann", "different")
    unknown = api.post(f"/api/v1/recognition/faces/{uuid.UUID(int=7)}/verify", files={"file": png_of(10)})
    assert (unknown.status_code, unknown.json()["code"]) == (404, 44)


def test_examples_are_listed_in_pages(api: TestClient) -> None:
    images = {add(api, "Ann", blue) for blue in (10, 11)} | {add(api, "Bob", blue) for blue in (120, 121, 122)}
    first = api.get("/api/v1/recognition/faces?page=0&size=3").json()
    second = api.get("/api/v1/recognition/faces?page=1&size=3").json()
    counts = {"page_size": 3, "total_pages": 2, "total_elements": 5}
    assert {name: first[name] for name in counts} == counts
    assert [len(first["faces"]), len(second["faces"]), second["page_number"]] == [3, 2, 1]
    assert {face["image_id"] for face in first["faces"] + second["faces"]} == images
    add(api, "Zoe%CC%88", 90)  # as macOS writes ë: two signs
    for zoe in ("Zoe%CC%88", "Zo%C3%AB", "%20Zo%C3%AB"):
        assert api.get(f"/api/v1/recognition/faces?subject={zoe}").json()["total_elements"] == 1
    assert api.get("/api/v1/recognition/faces?subject=Nobody").json()["total_elements"] == 0
    of_bob = api.get("/api/v1/recognition/faces?subject=Bob").json()
    assert (of_bob["total_elements"], {face["subject"] for face in of_bob["faces"]}) == (3, {"Bob"})
    assert api.get("/api/v1/recognition/faces?page=9").json()["faces"] == []


def test_examples_are_deleted_one_several_and_all_of_a_subject(api: TestClient) -> None:
    ann, *bob = add(api, "Ann", 10), add(api, "Bob", 120), add(api, "Bob", 121)
    assert api.delete(f"/api/v1/recognition/faces/{ann}").json() == {"image_id": ann, "subject": "Ann"}
    assert api.delete(f"/api/v1/recognition/faces/{ann}").json()["code"] == 44
    gone = api.post("/api/v1/recognition/faces/delete", json=[bob[0], ann, str(uuid.UUID(int=7))])
    assert gone.json() == [{"image_id": bob[0], "subject": "Bob"}]
    answer = api.delete("/api/v1/recognition/faces?subject=Bob")
    assert answer.json() == {"deleted": 1}
    assert answer.headers["X-Erasure-Complete"] == "true"
    assert api.delete("/api/v1/recognition/faces?subject=Nobody").json() == {"deleted": 0}


def test_what_was_deleted_is_found_no_more(api: TestClient) -> None:
    add(api, "Ann", 10)
    assert api.delete("/api/v1/recognition/faces").json() == {"deleted": 1}
    (face,) = api.post("/api/v1/recognition/recognize", files={"file": png_of(10)}).json()["result"]
    assert face["subjects"] == []


def test_subjects_are_added_and_erased(api: TestClient) -> None:
    answer = api.post("/api/v1/recognition/subjects", json={"subject": "Ann"})
    assert (answer.status_code, answer.json()) == (201, {"subject": "Ann"})
    again = api.post("/api/v1/recognition/subjects", json={"subject": "Ann"})
    assert (again.status_code, said(again)) == (400, ("Subject already exists", 43))
    assert api.delete("/api/v1/recognition/subjects/Ann").json() == {"subject": "Ann"}
    gone = api.delete("/api/v1/recognition/subjects/Ann")
    assert (gone.status_code, said(gone)) == (404, ("Subject Ann not found", 42))
    add(api, "Bob", 120)
    add(api, "Cem", 60)
    assert api.delete("/api/v1/recognition/subjects").json() == {"deleted": 2}


def test_renaming_merges_where_the_name_is_taken(api: TestClient) -> None:
    add(api, "Ann", 10)
    assert api.put("/api/v1/recognition/subjects/Ann", json={"subject": "Anne"}).json() == {"updated": True}
    assert api.put("/api/v1/recognition/subjects/Anne", json={"subject": "Anne"}).json() == {"updated": False}
    add(api, "Anna", 11)
    assert api.put("/api/v1/recognition/subjects/Anna", json={"subject": "Anne"}).json() == {"updated": True}
    assert api.get("/api/v1/recognition/subjects").json() == {"subjects": ["Anne"]}
    assert api.get("/api/v1/recognition/faces").json()["total_elements"] == 2
    assert api.put("/api/v1/recognition/subjects/Nobody", json={"subject": "X"}).json()["code"] == 42


def test_the_picture_of_an_example_is_empty_where_none_was_kept(api: TestClient) -> None:
    image = add(api, "Ann", 10)
    answer = api.get(f"/api/v1/recognition/faces/{image}/img")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"


def test_embeddings_need_their_own_scope(api: TestClient, settings: ServerSettings) -> None:
    told = api.post("/api/v1/detection/detect?face_plugins=calculator", files={"file": png_of(10)}).json()
    assert told["result"][0]["embedding"] == pytest.approx(red_recognizer().embed(png_of(10)).vector.tolist(), abs=1e-6)
    without = key_for(settings, "detect", "staff")
    answer = api.post("/api/v1/detection/detect?face_plugins=calculator", files={"file": png_of(10)}, headers=without)
    assert answer.status_code == 403
    assert "templates" in answer.json()["message"]


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("recognition/recognize?face_plugins=beauty", 36),
        ("recognition/recognize?detect_faces=false", 36),
        ("recognition/recognize?limit=-1", 26),
        ("recognition/recognize?prediction_count=0", 26),
        ("detection/detect?det_prob_threshold=2", 26),
    ],
)
def test_what_cannot_be_asked(api: TestClient, path: str, number: int) -> None:
    answer = api.post(f"/api/v1/{path}", files={"file": png_of(10)})
    assert (answer.status_code, answer.json()["code"]) == (400, number)


def test_plugins_that_are_not_here_are_left_out(api: TestClient) -> None:
    answer = api.post("/api/v1/detection/detect?face_plugins=age,gender,mask,pose", files={"file": png_of(10)})
    assert answer.json()["result"][0].keys() == {"box"}


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        ({"files": {"photo": png_of(10)}}, 34),
        ({"data": {"file": "text"}}, 34),
        ({"json": {}}, 34),
        ({"json": {"file": "!"}}, 21),
        ({"json": ["file"]}, 34),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 36),
    ],
)
def test_a_body_without_its_photo(api: TestClient, sent: dict[str, object], number: int) -> None:
    answer = api.post("/api/v1/detection/detect", **sent)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (400, number)


def test_without_a_key_and_without_its_scope(api: TestClient, settings: ServerSettings) -> None:
    answer = api.post("/api/v1/detection/detect", files={"file": png_of(10)}, headers={"x-api-key": "wrong"})
    assert (answer.status_code, answer.json()["code"]) == (401, 20)
    narrow = key_for(settings, "detect", "staff")
    assert api.get("/api/v1/recognition/subjects", headers=narrow).status_code == 403


def test_a_key_stands_for_one_collection(api: TestClient, settings: ServerSettings) -> None:
    everywhere = key_for(settings, ALL)
    answer = api.get("/api/v1/recognition/subjects", headers=everywhere)
    assert answer.status_code == 400
    assert "--collection" in answer.json()["message"]
    add(api, "Ann", 10)
    visitors = key_for(settings, ALL, "visitors")
    assert api.get("/api/v1/recognition/subjects", headers=visitors).json() == {"subjects": []}
    image = api.get("/api/v1/recognition/faces").json()["faces"][0]["image_id"]
    assert api.delete(f"/api/v1/recognition/faces/{image}", headers=visitors).status_code == 404


def test_a_key_in_a_path_is_no_key(api: TestClient, settings: ServerSettings) -> None:
    token = key_for(settings, ALL, "staff")["x-api-key"]
    assert api.get(f"/api/v1/static/{token}/images/{uuid.UUID(int=7)}").status_code == 404


def test_vectors_of_elsewhere_are_not_compared(api: TestClient) -> None:
    answer = api.post("/api/v1/recognition/embeddings/recognize", json={"embeddings": [[0.0, 1.0]]})
    assert answer.status_code == 404


def test_the_deed_is_in_the_audit_by_the_id_of_the_key(api: TestClient, settings: ServerSettings) -> None:
    add(api, "Ann", 10)
    key_id = api.headers["x-api-key"].split("_")[1]
    with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
        assert {entry.actor for entry in gallery.audit(1)} == {f"key {key_id}"}


@pytest.fixture
def watched(settings: ServerSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A service that keeps a record of identifications, and asks for a second key."""
    monkeypatch.setattr("marginface.server.service.load_recognizer", lambda _: red_recognizer())
    strict = settings.model_copy(update={"events": True, "two_person": ("identify", "erase")})
    with TestClient(make_app(strict), base_url="http://127.0.0.1:8000") as client:
        client.headers = {**client.headers, **key_for(settings, ALL, "visitors")}
        yield client


def test_these_paths_are_no_way_around_the_record_and_the_second_key(
    watched: TestClient, settings: ServerSettings
) -> None:
    add(watched, "Ann", 10)
    (face,) = watched.post("/api/v1/recognition/recognize", files={"file": png_of(11)}).json()["result"]
    assert (face["decision"], face["confirmation"]) == ("match", "unconfirmed")
    other = key_for(settings, "audit,confirm", "visitors")
    events = watched.get("/v1/events", headers=other).json()["items"]
    assert [(event["id"], event["action"]) for event in events] == [(face["event"], "identification")]
    for path in ("subjects/Ann", "faces?subject=Ann", "subjects", "faces"):
        answer = watched.delete(f"/api/v1/recognition/{path}")
        assert answer.status_code == 409, path
        assert "second key" in answer.json()["message"]
    assert watched.get("/api/v1/recognition/subjects").json() == {"subjects": ["Ann"]}
    asked = next(
        event for event in watched.get("/v1/events", headers=other).json()["items"] if event["action"] == "request"
    )
    watched.post(f"/v1/events/{asked['id']}/confirm", json={"agree": True}, headers=other)
    assert watched.delete("/api/v1/recognition/faces").json() == {"deleted": 1}


def test_no_face_is_deleted_on_these_paths_without_a_second_key(watched: TestClient, settings: ServerSettings) -> None:
    faces = [add(watched, who, blue) for who, blue in (("Ann", 10), ("Ben", 120))]
    other = key_for(settings, "audit,confirm", "visitors")
    one = lambda: watched.delete(f"/api/v1/recognition/faces/{faces[0]}")  # noqa: E731
    several = lambda: watched.post("/api/v1/recognition/faces/delete", json=faces)  # noqa: E731
    for refused in (one(), several()):
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "needs_second_key")
    assert watched.get("/api/v1/recognition/faces").json()["total_elements"] == 2
    listed = watched.get("/v1/events/waiting", headers=other).json()["items"]
    waiting = [event for event in listed if event["key"] == listed[0]["key"]]
    assert len(waiting) == 2, "all of them are asked for at once"
    for event in waiting:
        watched.post(f"/v1/events/{event['id']}/confirm", json={"agree": True}, headers=other)
    assert [gone["subject"] for gone in several().json()] == ["Ann", "Ben"]
    assert watched.get("/api/v1/recognition/faces").json()["total_elements"] == 0


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "detection/detect", {"host": "evil.example"}, 421),
        ("POST", "detection/detect", {"origin": "https://evil.example"}, 403),
        ("GET", "recognition/subjects", {"sec-fetch-site": "cross-site"}, 403),
        ("POST", "detection/detect", {"content-length": str(10**9)}, 413),
        ("POST", "detection/detect", {"x-api-key": "wrong"}, 401),
        ("GET", "recognition/subjects", {"x-api-key": "wrong"}, 401),
        ("GET", "nowhere", {}, 404),
        ("PATCH", "recognition/subjects", {}, 405),
    ],
)
def test_errors_that_no_route_tells_have_compreface_s_form_too(
    api: TestClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = api.request(method, f"/api/v1/{path}", headers=headers)
    told = answer.json()
    assert (answer.status_code, told.keys()) == (status, {"message", "code", "error", "request_id"})
    assert isinstance(told["code"], int)
    assert told["message"] == told["error"]["message"]
    assert told["request_id"] == answer.headers["x-request-id"]


def test_a_bug_and_a_service_that_is_busy_are_told_in_compreface_s_form(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = api.app.state.service  # type: ignore[attr-defined]

    async def busy(*_: object) -> None:
        raise Overloaded("come again")

    async def fails(*_: object) -> None:
        raise ZeroDivisionError

    for run, status in ((busy, 503), (fails, 500)):
        monkeypatch.setattr(service.work, "run", run)
        answer = api.post("/api/v1/detection/detect", files={"file": png_of(10)})
        assert (answer.status_code, answer.json()["code"], bool(answer.json()["message"])) == (status, 0, True)
    assert "message" not in api.get("/v1/nowhere").json(), "our own paths have our own form"


def test_decisions_carry_contract_threshold_rate_and_data_as_all_of_ours_do(api: TestClient) -> None:
    image = add(api, "Ann", 10)
    photo, two = {"file": png_of(12)}, {"source_image": png_of(10), "target_image": png_of(12)}
    contract = red_recognizer().contract.id
    assert api.post("/api/v1/detection/detect", files=photo).json()["contract"] == contract
    found = api.post("/api/v1/recognition/recognize?fpir=0.02", files=photo).json()
    compared = api.post(f"/api/v1/recognition/faces/{image}/verify?fmr=0.01", files=photo).json()
    verified = api.post("/api/v1/verification/verify?fmr=0.01", files=two).json()
    ours = api.post("/v1/verify", files={"image_a": png_of(10), "image_b": png_of(12)}, data={"fmr": "0.01"}).json()
    assert (found["fpir"], found["comparisons"], found["calibration"]["fpir"]) == (0.02, 1, 0.02)
    for told, face in (
        (found, found["result"][0]),
        (compared, compared["result"][0]),
        (verified, verified["result"][0]["face_matches"][0]),
    ):
        assert told["contract"] == contract
        assert told["fmr"] == told["calibration"]["fmr"]
        assert told["calibration"]["data"]
        assert face["threshold"] == pytest.approx(told["calibration"]["similarity"], abs=1e-4)
    for told in (compared, verified):
        assert told["calibration"] == {name: one for name, one in ours["calibration"].items() if one is not None}


@pytest.mark.parametrize(
    "body", [b"[" * 300_000, b'{"file":' * 100_000, b'{"file":[' + b"[]," * 300_000 + b"[]]}", b"1" * 500_000, b"{"]
)
def test_json_that_becomes_much_more_than_it_is_is_refused_before_it_is_read(api: TestClient, body: bytes) -> None:
    answer = api.post("/api/v1/detection/detect", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, 36)
