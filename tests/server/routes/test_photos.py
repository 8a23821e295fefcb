"""Photos that are looked at and forgotten: the answers are those of the Recognizer."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from io import BytesIO
from threading import Barrier, Lock
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from marginface.images import read_image
from marginface.pipeline import Recognizer
from marginface.server.decoding.process import DecoderProcess
from marginface.server.settings import Limits, ServerSettings
from oracles.enrolments import red_recognizer
from oracles.patience import PATIENCE
from oracles.served import Start, png_of

TWO = ((20, 40, 120, 160), (180, 60, 280, 180))


def test_detect_gives_what_assess_finds(client: TestClient) -> None:
    content = png_of(10, *TWO)
    told = client.post("/v1/detect", files={"image": content}).json()
    found = red_recognizer().assess(read_image(content))
    assert told["image"] == {"width": 300, "height": 200}
    assert [face["box"] for face in told["faces"]] == [face.to_dict()["box"] for face, _ in found]
    assert [face["quality"] for face in told["faces"]] == [quality.to_dict() for _, quality in found]
    assert told["contract"] == red_recognizer().contract.id


def test_detect_sends_crops_where_they_are_asked_for(client: TestClient) -> None:
    told = client.post("/v1/detect", files={"image": png_of(10)}, data={"crops": "true"}).json()
    kind, _, coded = told["faces"][0]["crop"].partition(",")
    assert kind == "data:image/png;base64"
    assert np.asarray(Image.open(BytesIO(base64.b64decode(coded)))).shape == (112, 112, 3)


def test_a_photo_without_a_face_has_none(client: TestClient) -> None:
    stream = BytesIO()
    Image.new("RGB", (64, 64), (90, 90, 90)).save(stream, "PNG")
    assert client.post("/v1/detect", files={"image": stream.getvalue()}).json()["faces"] == []


@pytest.mark.parametrize(("blue", "decision"), [(12, "same"), (120, "different")])
def test_verify_gives_what_the_recognizer_says(client: TestClient, blue: int, decision: str) -> None:
    first, second = png_of(10), png_of(blue)
    told = client.post("/v1/verify", files={"image_a": first, "image_b": second}, data={"fmr": "0.01"}).json()
    answer = red_recognizer().verify(first, second, fmr=0.01)
    assert told["decision"] == answer.decision.value == decision
    assert {name: told[name] for name in answer.to_dict()} == answer.to_dict()
    assert told["calibration"] == answer.threshold.to_dict()
    assert told["explanation"] == answer.explain()


def test_compare_gives_the_matrix_of_all_faces(client: TestClient) -> None:
    parts = [("images", png_of(blue)) for blue in (10, 12, 120)]
    told = client.post("/v1/compare", files=parts, data={"fmr": "0.01"}).json()
    assert [row[0] for row in told["decisions"]] == ["same", "same", "different"]
    assert [face["photo_number"] for face in told["faces"]] == [1, 2, 3]


def test_embed_gives_the_vector(client: TestClient) -> None:
    told = client.post("/v1/embed", files={"image": png_of(10)}).json()
    expected = red_recognizer().embed(png_of(10)).vector
    np.testing.assert_allclose(told["faces"][0]["embedding"], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("path", "data", "status", "said"),
    [
        ("/v1/detect", {"quality": "best"}, 422, "usable"),
        ("/v1/verify", {"fmr": "0"}, 422, "fmr"),
        ("/v1/verify", {"fmr": "lots"}, 422, "fmr"),
        ("/v1/verify", {"faces": "all"}, 422, "compare_all"),
    ],
)
def test_wrong_words_are_told(client: TestClient, path: str, data: dict[str, str], status: int, said: str) -> None:
    names = ("image",) if path == "/v1/detect" else ("image_a", "image_b")
    files: dict[str, Any] = dict.fromkeys(names, png_of(10))
    answer = client.post(path, files=files, data=data)
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]


def test_a_part_that_is_missing_is_named(client: TestClient) -> None:
    answer = client.post("/v1/verify", files={"image_a": png_of(10)})
    assert answer.status_code == 422
    assert "image_b" in answer.json()["error"]["message"]


@pytest.mark.parametrize("count", [1, 5])
def test_so_many_photos_and_no_more(client: TestClient, count: int) -> None:
    answer = client.post("/v1/compare", files=[("images", png_of(10))] * count)
    assert answer.status_code == 422
    assert "2 to 4 photos" in answer.json()["error"]["message"]


def test_what_is_no_photo_is_told_by_the_name_of_its_part(client: TestClient) -> None:
    answer = client.post("/v1/verify", files={"image_a": png_of(10), "image_b": b"no photo"})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "unreadable_image"
    assert answer.json()["error"]["message"].startswith("image_b: ")


def test_a_photo_larger_than_the_limits_is_not_decoded(client: TestClient) -> None:
    stream = BytesIO()
    Image.new("RGB", (1001, 1000)).save(stream, "PNG")
    pixels = client.post("/v1/detect", files={"image": stream.getvalue()})
    size = client.post("/v1/detect", files={"image": b"\x89PNG\r\n\x1a\n" + bytes(200_000)})
    body = client.post("/v1/detect", files={"image": bytes(1_000_001)})
    assert [answer.status_code for answer in (pixels, size, body)] == [413, 413, 413]
    assert [answer.json()["error"]["code"] for answer in (pixels, size, body)] == [
        "image_too_large",
        "image_too_large",
        "too_large",
    ]


def test_a_path_or_an_address_is_no_photo(client: TestClient) -> None:
    for text in ("/etc/passwd", "http://127.0.0.1/x.png", "file:///etc/passwd"):
        as_field = client.post("/v1/detect", data={"image": text})
        as_file = client.post("/v1/detect", files={"image": text.encode()})
        assert as_field.status_code == as_file.status_code == 422


def test_both_photos_are_decoded_and_looked_at_at_once(start: Start, settings: ServerSettings) -> None:
    client = start(settings.model_copy(update={"limits": Limits(decoders=2, running=2)}))
    service = client.app.state.service  # type: ignore[attr-defined]
    together = Barrier(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DecoderProcess, "decode", meeting(DecoderProcess.decode, together))
        patch.setattr(type(service.recognizer), "embed_photo", meeting(Recognizer.embed_photo, together))
        told = client.post("/v1/verify", files={"image_a": png_of(10), "image_b": png_of(12)}, data={"fmr": "0.01"})
        parts = [("images", png_of(blue)) for blue in (10, 12)]
        assert client.post("/v1/compare", files=parts, data={"fmr": "0.01"}).status_code in (200, 422)
    assert told.json()["decision"] == "same"


def meeting(function: Callable[..., Any], there: Barrier) -> Callable[..., Any]:
    """Return a function that goes on when another thread has come to it too."""

    def meets(*arguments: Any, **named: Any) -> Any:
        there.wait(PATIENCE)
        return function(*arguments, **named)

    return meets


def test_one_that_verifies_takes_no_more_threads_than_there_are(start: Start, settings: ServerSettings) -> None:
    client = start(settings.model_copy(update={"limits": Limits(decoders=2, running=1, waiting=0)}))
    recognizer = type(client.app.state.service.recognizer)  # type: ignore[attr-defined]
    embed, at_once, most, lock = recognizer.embed_photo, 0, 0, Lock()

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.05)
        with lock:
            at_once -= 1
        return embed(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recognizer, "embed_photo", counted)
        files = {"image_a": png_of(10), "image_b": png_of(12)}
        assert client.post("/v1/verify", files=files, data={"fmr": "0.01"}).json()["decision"] == "same"
    assert most == 1


def test_what_is_wrong_with_one_of_two_photos_is_told(client: TestClient) -> None:
    for broken in ("image_a", "image_b"):
        files = {"image_a": png_of(10), "image_b": png_of(12), broken: b"no photo"}
        answer = client.post("/v1/verify", files=files)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unreadable_image")
        assert answer.json()["error"]["message"].startswith(f"{broken}: ")


def test_verify_sends_the_crops_of_the_faces_that_were_used(client: TestClient) -> None:
    stream = BytesIO()
    Image.new("RGB", (64, 64), (90, 90, 90)).save(stream, "PNG")
    files = {"image_a": png_of(10, *TWO), "image_b": stream.getvalue()}
    told = client.post("/v1/verify", files=files, data={"crops": "true", "fmr": "0.01"}).json()
    assert (told["decision"], told["crops"][1]) == ("cannot tell", None)
    assert told["crops"][0].startswith("data:image/png;base64,")
