"""Two persons, and the record: what one key asks for on the page, another one agrees to; who did so is listed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from marginface.gallery import Gallery
from marginface.server.access import KeyStore, NewKey, parse_scopes
from marginface.server.state import open_state
from marginface.server.state.places import state_address
from oracles.browsed import Scheme, Visit
from oracles.page_rules import faults_of
from oracles.patience import PATIENCE

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]
OPTIONS = ("--events", "--two-person", "erase,identify,export")


@dataclass(frozen=True)
class Desk:
    """A service with Ann and Bea in it, a match of Bea, and the tokens of two keys."""

    address: str
    first: str
    second: str
    match: str


def ask(address: str, path: str, token: str, **body: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.post(f"{address}/v1/{path}", headers=headers, timeout=PATIENCE, **body)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def desk(served: object, drawn: Callable[..., Path]) -> Desk:
    address: str = served.address  # type: ignore[attr-defined]
    for name in ("Ann Example", "Bea Example"):
        ask(address, "collections/people/persons", "", json={"name": name}).raise_for_status()
    with drawn(1, 0).open("rb") as photo:
        enrolled = ask(address, "collections/people/persons/Bea%20Example/faces", "", files={"images": photo})
    assert enrolled.status_code == 201, enrolled.text
    with closing(open_state(state_address(str(served.gallery)))) as state:  # type: ignore[attr-defined]
        tokens = [KeyStore(state).create(NewKey(parse_scopes("all")))[1] for _ in range(2)]
    with drawn(1, 1).open("rb") as photo:
        found = ask(address, "collections/people/identify", tokens[0], files={"image": photo}).json()
    return Desk(address, *tokens, found["faces"][0]["event"])


@pytest.fixture
def pair(chromium: object, desk: Desk) -> Iterator[tuple[Visit, Visit]]:
    """Two visitors, each with a key in the tab."""
    with Visit(chromium, desk.address) as first, Visit(chromium, desk.address) as second:
        for visit, token in ((first, desk.first), (second, desk.second)):
            keyed(visit, token)
        yield first, second
        first.check()
        second.check()


def keyed(visit: Visit, token: str) -> None:
    """Let a visit begin with a key in its tab."""
    visit.page.add_init_script(f"sessionStorage.setItem('marginface-key', '{token}')")


def test_an_erasure_is_agreed_to_by_another_key(pair: tuple[Visit, Visit]) -> None:
    first, second = pair
    first.expected_errors.append("409")
    page = first.open("people/people")
    page.get_by_role("link", name="Ann Example").click()
    page.get_by_role("button", name="Erase this person").click()
    page.get_by_role("button", name="Erase for good").click()
    first.sees("needs the word of a second key")

    other = second.open("key")
    second.sees("Erase a person")
    other.get_by_role("row", name=re.compile("Erase a person")).get_by_role("button", name="Agree", exact=True).click()
    other.get_by_role("dialog").get_by_role("button", name="Agree").click()
    other.get_by_text("Erase a person").first.wait_for(state="hidden")

    page.get_by_role("button", name="Erase for good").click()
    page.get_by_role("dialog", name="Receipt of the erasure").wait_for()


def test_an_export_is_saved_once_another_key_has_agreed(pair: tuple[Visit, Visit], tmp_path: Path) -> None:
    first, second = pair
    first.expected_errors.append("409")
    page = first.open("people/people/export")
    page.get_by_role("button", name="Make one up").click()
    secret = page.get_by_label("Passphrase", exact=True).input_value()
    page.get_by_role("button", name="Make and save the archive").click()
    first.sees("needs the word of a second key")

    other = second.open("key")
    other.get_by_role("row", name=re.compile("^Export")).get_by_role("button", name="Agree", exact=True).click()
    other.get_by_role("dialog").get_by_role("button", name="Agree").click()

    other.get_by_role("row", name=re.compile("^Export")).wait_for(state="hidden")
    with page.expect_download() as download:
        page.get_by_role("button", name="Make and save the archive").click()
    with Gallery.create(tmp_path / "other.db", sealed=False) as gallery:
        gallery.import_archive(Path(download.value.path()), passphrase=secret)
        assert [person.name for person in gallery.collection("people").people()] == ["Bea Example"]


def test_the_record_tells_who_was_found_and_who_confirmed(pair: tuple[Visit, Visit], desk: Desk) -> None:
    for token in (desk.second, desk.first):
        ask(desk.address, f"events/{desk.match}/confirm", token, json={"agree": True}).raise_for_status()
    page = pair[0].open("events")
    match = page.get_by_role("row").filter(has_text="Identification")
    assert match.count() == 1
    told = match.inner_text()
    assert "Match" in told
    assert "Confirmed" in told
    for token in (desk.first, desk.second):
        assert f"{token.split('_')[1]} agreed" in told
    match.get_by_role("button", name=re.compile("Details of entry")).click()
    dialog = page.get_by_role("dialog", name=re.compile("Entry no."))
    assert "Keyed hash of the photo" in dialog.inner_text()
    dialog.get_by_role("button", name="Close").click()
    match.get_by_role("link", name=re.compile("^p-")).click()
    page.get_by_role("heading", name="Bea Example").wait_for()


def test_the_record_is_filtered_by_kind_and_goes_on(pair: tuple[Visit, Visit], desk: Desk) -> None:
    visit = pair[0]
    page = visit.open("events")
    table = page.get_by_role("table", name="Entries, the newest first")
    before = table.get_by_role("row").count()
    page.get_by_label("Kind").select_option("Words of second keys")
    visit.settle()
    assert 3 <= table.get_by_role("row").count() < before
    assert "Identification" not in table.inner_text()
    page.get_by_label("Kind").select_option("Old entries let go")
    visit.sees("There is no entry of this kind.")
    page.route(re.compile(r"/v1/events\?"), lambda route: route.continue_(url=route.request.url.replace("=25", "=2")))
    page.get_by_label("Kind").select_option("All kinds")
    visit.settle()
    assert table.get_by_role("row").count() == 3  # the head is one
    page.get_by_role("button", name="Show more").click()
    page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 4")


def test_the_chain_of_the_record_is_walked(pair: tuple[Visit, Visit]) -> None:
    visit = pair[0]
    page = visit.open("events")
    page.get_by_role("button", name="Check the chain").click()
    visit.sees("The chain holds:")


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_the_record_can_be_read_by_everyone(chromium: object, desk: Desk, width: int, scheme: Scheme) -> None:
    with Visit(chromium, desk.address, width, scheme) as visit:
        keyed(visit, desk.first)
        page = visit.open("events")
        assert faults_of(page, fingers=width == 360) == {}
        page.get_by_role("button", name=re.compile("Details of entry")).first.click()
        assert faults_of(page, fingers=width == 360) == {}
        visit.check()


def test_a_face_is_deleted_once_another_key_has_agreed(
    pair: tuple[Visit, Visit], desk: Desk, drawn: Callable[..., Path]
) -> None:
    first, second = pair
    first.expected_errors.append("409")
    person = ask(desk.address, "collections/people/persons", desk.first, json={"name": "Cem Example"}).json()["uid"]
    with drawn(4, 0).open("rb") as photo:
        ask(desk.address, f"collections/people/persons/{person}/faces", desk.first, files={"images": photo})
    page = first.open(f"people/people/person/{person}")
    page.get_by_role("button", name="Delete face 1").click()
    page.get_by_role("button", name="Delete the face").click()
    first.sees("needs the word of a second key")

    other = second.open("key")
    asked = other.get_by_role("row", name=re.compile("Delete a face"))
    assert f"{person}\nface f-" in asked.inner_text()
    assert faults_of(other, fingers=False) == {}
    asked.get_by_role("button", name="Agree", exact=True).click()
    other.get_by_role("dialog").get_by_role("button", name="Agree").click()
    asked.wait_for(state="hidden")

    page.get_by_role("button", name="Delete the face").click()
    first.sees("No face is enrolled.")
