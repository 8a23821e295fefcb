"""What a request may cost: larger, slower, more or stranger ones are refused, and the service goes on."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from itertools import product
from struct import pack
from threading import Event, Semaphore
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from marginface.errors import InputError
from marginface.gallery import Collection, Gallery
from marginface.server.events import EventLog
from marginface.server.middleware.large import MOST as LARGE
from marginface.server.middleware.slots import Slots
from marginface.server.settings import Limits, ServerSettings
from marginface.server.threads import LONG_RUNNING, LONG_WAITING
from oracles.patience import PATIENCE, wait_for
from oracles.served import MakeKey, Start, png_of


def bomb(width: int, height: int) -> bytes:
    """Return a PNG that says it has so many pixels, in a few bytes: rows of zeros compress a thousandfold."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))

    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(width + 1)) for _ in range(min(height, 3000))) + rows.flush()
    head = chunk(b"IHDR", pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def detect(client: TestClient, content: bytes) -> Any:
    return client.post("/v1/detect", files={"image": content})


@pytest.mark.parametrize("shape", [(100_000, 100_000), (65_535, 65_535), (1001, 1000)])
def test_an_image_bomb_is_refused_by_its_header(client: TestClient, shape: tuple[int, int]) -> None:
    answer = detect(client, bomb(*shape))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "image_too_large")
    assert detect(client, png_of(10)).status_code == 200


def test_a_bomb_of_many_frames_is_one_picture(client: TestClient) -> None:
    stream = BytesIO()
    frames = [Image.new("P", (100, 100), number % 256) for number in range(300)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    assert detect(client, stream.getvalue()).json()["image"] == {"width": 100, "height": 100}


def test_a_bomb_of_text_beside_the_pixels_is_refused(client: TestClient) -> None:
    stream = BytesIO()
    Image.new("RGB", (64, 64)).save(stream, "PNG")
    png = stream.getvalue()
    text = b"zTXt" + b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9)
    chunk = pack(">I", len(text) - 4) + text + pack(">I", zlib.crc32(text))
    answer = detect(client, png[:33] + chunk + png[33:])
    assert answer.status_code in (200, 422)
    assert detect(client, png_of(10)).status_code == 200


def test_more_than_was_declared_is_counted(client: TestClient) -> None:
    sent: list[int] = []

    def endless() -> Any:
        for number in range(100):
            sent.append(number)
            yield bytes(50_000)

    headers = {"content-type": "multipart/form-data; boundary=b", "content-length": "100"}
    answer = client.post("/v1/detect", content=endless(), headers=headers)
    assert answer.status_code in (400, 413, 422)


def test_a_declared_length_is_enough_to_be_refused(client: TestClient) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b", "content-length": str(10**12)}
    answer = client.post("/v1/detect", content=b"--b", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize("kind", ["fields", "files"])
def test_a_thousand_parts_are_too_many(client: TestClient, kind: str) -> None:
    if kind == "files":
        answer = client.post("/v1/compare", files=[("images", b"x")] * 1001)
    else:
        answer = client.post("/v1/compare", files=[("images", b"x")], data={f"field{n}": "x" for n in range(1001)})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a part that was never finished
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n",
        b"--b\r\nContent-Disposition: form-data; name=image\r\n\r\n",
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc',
        b"--b\r\n" + b"X-Long: " + b"y" * 100_000 + b"\r\n\r\n\r\n--b--",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--b--",
    ],
)
def test_a_broken_multipart_is_the_callers_fault(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/detect", content=body, headers={"content-type": "multipart/form-data; boundary=b"})
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["message"]


@contextmanager
def set_at_the_end(event: Event) -> Iterator[None]:
    """Let those who wait for it go on when a test fails too."""
    try:
        yield
    finally:
        event.set()


def test_who_comes_when_too_many_wait_is_told_to_come_again(
    start: Start, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = start(settings.model_copy(update={"limits": Limits(decoders=1, running=1, waiting=2)}))
    goes_on, begun = Event(), Event()
    recognizer = type(client.app.state.service.recognizer)  # type: ignore[attr-defined]
    assess = recognizer.assess

    def waits(self: Any, photo: Any) -> Any:
        begun.set()
        goes_on.wait(PATIENCE)
        return assess(self, photo)

    monkeypatch.setattr(recognizer, "assess", waits)
    with ThreadPoolExecutor(64) as crowd, set_at_the_end(goes_on):
        asked = [crowd.submit(detect, client, png_of(10)) for _ in range(64)]
        assert begun.wait(PATIENCE)
        wait_for(lambda: sum(one.done() for one in asked) >= 61, "too many wait")
        goes_on.set()
        answers = [one.result(PATIENCE) for one in asked]
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(503)) == (3, 61)
    over = next(answer for answer in answers if answer.status_code == 503)
    assert (over.json()["error"]["code"], over.headers["retry-after"]) == ("overloaded", "1")
    assert detect(client, png_of(10)).status_code == 200


def test_who_waits_for_a_slot_is_known_by_the_key(
    start: Start, settings: ServerSettings, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    enter = Slots.enter

    async def watched(self: Slots, who: str) -> None:
        seen.append(who)
        await enter(self, who)

    monkeypatch.setattr(Slots, "enter", watched)
    client, keys = start(settings), [make_key("detect"), make_key("detect")]
    answers = [client.post("/v1/detect", files={"image": png_of(10)}, headers=key) for key in keys]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(set(seen)) == 2
    assert "" not in seen


def test_what_waits_is_not_decoded(start: Start, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    client = start(settings.model_copy(update={"limits": Limits(decoders=1, running=1, waiting=20)}))
    service = client.app.state.service  # type: ignore[attr-defined]
    decode, alive, most = type(service.decoder).decode, 0, 0

    async def counted(self: Any, content: bytes, name: str) -> Any:
        nonlocal alive, most
        alive += 1
        most = max(most, alive)
        return await decode(self, content, name)

    assess = type(service.recognizer).assess

    def done(self: Any, photo: Any) -> Any:
        nonlocal alive
        alive -= 1
        return assess(self, photo)

    monkeypatch.setattr(type(service.decoder), "decode", counted)
    monkeypatch.setattr(type(service.recognizer), "assess", done)
    with ThreadPoolExecutor(12) as crowd:
        answers = list(crowd.map(lambda _: detect(client, png_of(10)), range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert most == 1


def test_the_bodies_of_all_requests_are_bounded_together(start: Start, settings: ServerSettings) -> None:
    client = start(settings.model_copy(update={"limits": Limits(decoders=1, bodies_bytes=50_000)}))
    answer = client.post("/v1/detect", files={"image": bytes(60_000)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "1"
    for _ in range(20):  # what was held is given back
        assert detect(client, png_of(10)).status_code == 200


def test_a_slot_is_given_back_whatever_happens(start: Start, settings: ServerSettings) -> None:
    client = start(settings.model_copy(update={"limits": Limits(decoders=1, running=1, waiting=0)}))
    for sent in (b"no photo", png_of(10), b""):
        for _ in range(3):
            assert detect(client, sent).status_code in (200, 422)
    assert client.post("/v1/collections", json={"name": "a"}).status_code == 201
    assert client.post("/v1/collections", json={"name": "a"}).status_code == 409


def test_a_key_that_asks_too_often_is_told_when_to_come_again(
    start: Start, settings: ServerSettings, make_key: MakeKey
) -> None:
    key = make_key("detect")
    client = start(settings.model_copy(update={"limits": Limits(decoders=1, per_minute=3)}))
    statuses = [client.get("/v1", headers=key).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert int(client.get("/v1", headers=key).headers["retry-after"]) > 0
    assert client.get("/v1", headers=make_key("detect")).status_code == 200


def test_keys_are_not_guessed(client: TestClient, make_key: MakeKey) -> None:
    good = make_key("detect")
    wrong = [client.get("/v1", headers={"x-api-key": f"mf_{n:012x}_{'x' * 43}"}).status_code for n in range(40)]
    assert set(wrong) == {401, 429}
    assert client.get("/healthz").status_code == 200
    assert client.get("/v1", headers=good).status_code == 200  # who has one is not held back by who guesses


@pytest.mark.parametrize("what", ["check", "audit", "events", "export"])
def test_who_looks_for_a_face_does_not_wait_for_what_takes_long(
    start: Start, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    client = start(settings.model_copy(update={"limits": Limits(decoders=1, running=1, waiting=0)}))
    client.post("/v1/collections", json={"name": "staff"})
    goes_on, begun = Event(), Semaphore(0)

    def waits(*_: Any, **__: Any) -> Any:
        begun.release()
        goes_on.wait(PATIENCE)
        raise InputError("nothing was done")

    monkeypatch.setattr(Collection, "check", waits)
    monkeypatch.setattr(Gallery, "verify_audit", waits)
    monkeypatch.setattr(EventLog, "verify", waits)
    monkeypatch.setattr("marginface.server.routes.archives.archive_of", waits)
    export = partial(client.post, "/v1/collections/staff/export", json={"passphrase": "correct horse battery staple"})
    asking = {
        "check": partial(client.get, "/v1/collections/staff/check"),
        "audit": partial(client.get, "/v1/audit/check"),
        "events": partial(client.get, "/v1/events/check"),
        "export": export,
    }[what]
    most = min(LONG_RUNNING + LONG_WAITING, LARGE) if what == "export" else LONG_RUNNING + LONG_WAITING
    with ThreadPoolExecutor(most + 1) as crowd, set_at_the_end(goes_on):
        asked = [crowd.submit(asking) for _ in range(most)]
        for _ in range(LONG_RUNNING):
            assert begun.acquire(timeout=PATIENCE)
        found = client.post("/v1/collections/staff/identify", files={"image": png_of(10)})
        assert found.status_code == 200, "it waited for the checks"
        long_work = client.app.state.service.long_work  # type: ignore[attr-defined]
        wait_for(lambda: long_work.depth == len(asked), "who asked does not wait")
        assert asking().status_code == 503, "so many may wait"
        goes_on.set()
        assert {one.result(PATIENCE).status_code for one in asked} == {422}


def crowd(columns: int, rows: int) -> bytes:
    """Return a photo with so many red faces, as the bytes of a PNG."""
    picture = np.full((24 * rows, 24 * columns, 3), 90, np.uint8)
    for row, column in product(range(rows), range(columns)):
        picture[24 * row + 4 : 24 * row + 20, 24 * column + 4 : 24 * column + 20] = (255, 0, 90)
    stream = BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def test_a_photo_of_thousands_of_faces_costs_one_look(start: Start, settings: ServerSettings) -> None:
    """A collage of small faces: of 16 such photos a table of faces by faces would have gigabytes."""
    client = start(settings.model_copy(update={"limits": Limits(decoders=1, faces=20)}))
    client.post("/v1/collections", json={"name": "staff"})
    for path in ("/v1/detect", "/v1/collections/staff/identify"):
        assert client.post(path, files={"image": crowd(5, 4)}).status_code == 200
        refused = client.post(path, files={"image": crowd(7, 3)})
        assert (refused.status_code, refused.json()["error"]["code"]) == (413, "image_too_large")
        assert "21 faces in one photo; 20 may be" in refused.json()["error"]["message"]
    parts = [("images", crowd(5, 2)), ("images", crowd(5, 2))]
    assert len(client.post("/v1/compare", files=parts, data={"quality": "off"}).json()["faces"]) == 20
    refused = client.post("/v1/compare", files=[*parts, ("images", crowd(1, 1))], data={"quality": "off"})
    assert (refused.status_code, "21 faces together" in refused.json()["error"]["message"]) == (422, True)
    person = client.post("/v1/collections/staff/persons", json={"name": "Ann"}).json()["uid"]
    told = client.post(f"/v1/collections/staff/persons/{person}/faces", files={"images": crowd(7, 3)}).json()
    assert told["rejected"][0]["codes"] == ["unreadable"]


def test_after_a_photo_that_cannot_be_read_no_other_is_decoded(client: TestClient) -> None:
    decoder = client.app.state.service.decoder  # type: ignore[attr-defined]
    names: list[str] = []

    async def noted(content: bytes, name: str) -> Any:
        names.append(name)
        return await type(decoder).decode(decoder, content, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "decode", noted)
        parts = [("images", b"no photo"), *[("images", png_of(10))] * 3]
        assert client.post("/v1/compare", files=parts).status_code == 422
    assert names == ["photo 1", "photo 2"]
