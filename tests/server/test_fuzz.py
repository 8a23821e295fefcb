"""Bodies that are damaged at any byte are answered in the one form of errors, and never by a 5xx."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from marginface.gallery import Gallery
from marginface.server.app import make_app
from marginface.server.settings import Limits, ServerSettings
from oracles.enrolments import red_recognizer
from oracles.served import png_of
from oracles.staff import STAFF, decode_in_this_process, make_staff

EXAMPLES = int(os.environ.get("MARGINFACE_FUZZ", "25"))
many = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
MARK = b"0123456789abcdef"


def part(name: str, content: bytes, filename: str = "") -> bytes:
    said = f'; filename="{filename}"' if filename else ""
    return b'--%s\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (
        MARK,
        name.encode(),
        said.encode(),
        content,
    )


FORM = (
    part("images", png_of(11), "a.png")
    + part("review", b"off")
    + part("retain_until", b"2030-01-31")
    + b"--%s--\r\n" % MARK
)
JSON = json.dumps({"name": "Zoë", "consent": "signed", "purpose": "door", "retain_until": "2030-01-31"}).encode()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("fuzz")
    Gallery.create(folder / "people.db", sealed=False).close()
    told = ServerSettings(gallery=str(folder / "people.db"), limits=Limits(decoders=1, per_minute=10**6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marginface.server.service.load_recognizer", lambda _: red_recognizer())
        decode_in_this_process(patch)
        with TestClient(make_app(told), base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as opened:
            make_staff(opened)
            yield opened


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Return a text with some pieces of it taken out, doubled, or replaced by other bytes."""
    content = whole
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        piece = draw(st.one_of(st.just(b""), st.just(content[start:end] * 2), st.binary(max_size=24)))
        content = content[:start] + piece + content[end:]
    return content


def require_form(answer: object, status: int, body: bytes) -> None:
    assert status < 500, answer
    if status >= 400:
        told = json.loads(body)
        assert set(told) == {"error", "request_id"}
        assert set(told["error"]) == {"code", "message", "details"}


@many
@given(body=damaged(FORM))
def test_a_damaged_form(client: TestClient, body: bytes) -> None:
    kind = {"Content-Type": f"multipart/form-data; boundary={MARK.decode()}"}
    answer = client.post(f"{STAFF}/persons/Ann/faces", content=body, headers=kind)
    require_form(answer.text, answer.status_code, answer.content)


@many
@given(kind=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60))
def test_a_kind_of_content_that_it_is_not(client: TestClient, kind: str) -> None:
    headers = {"Content-Type": kind.encode("latin-1")}
    for path, body in ((f"{STAFF}/persons/Ann/faces", FORM), (f"{STAFF}/persons", JSON)):
        answer = client.post(path, content=body, headers=headers)  # type: ignore[arg-type]
        require_form(answer.text, answer.status_code, answer.content)


@many
@given(body=damaged(JSON))
def test_a_damaged_text(client: TestClient, body: bytes) -> None:
    answer = client.post(f"{STAFF}/persons", content=body, headers={"Content-Type": "application/json"})
    require_form(answer.text, answer.status_code, answer.content)


_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)
_NAMES = st.sampled_from(
    ["name", "consent", "purpose", "retain_until", "into", "to", "person", "passphrase", "persons", "x"]
)


@many
@given(
    body=st.dictionaries(_NAMES, _VALUES, max_size=4),
    path=st.sampled_from(["", "/Ann/merge", "/Ann/move", "/../export"]),
)
def test_values_of_any_kind(client: TestClient, body: dict[str, object], path: str) -> None:
    where = f"{STAFF}/export" if path == "/../export" else f"{STAFF}/persons{path}"
    answer = client.post(where, content=json.dumps(body), headers={"Content-Type": "application/json"})
    require_form(answer.text, answer.status_code, answer.content)


@many
@given(name=st.text(min_size=1, max_size=40), more=st.text(max_size=40))
def test_names_of_any_kind_in_a_path_and_a_query(client: TestClient, name: str, more: str) -> None:
    from urllib.parse import quote

    named = quote(name.encode("utf-8", "surrogatepass"), safe="")
    for path in (f"/v1/collections/{named}", f"{STAFF}/persons/{named}", f"{STAFF}/faces/{named}/crop"):
        answer = client.get(path)
        require_form(answer.text, answer.status_code, answer.content)
    answer = client.get(
        f"{STAFF}/persons",
        params={"q": name.encode("utf-8", "surrogatepass"), "cursor": more.encode("utf-8", "surrogatepass")},
    )
    require_form(answer.text, answer.status_code, answer.content)
