"""Two persons: what one key asks for on the page, another one agrees to on the page."""

from __future__ import annotations

import httpx
import pytest

from marginface.server.access import KeyStore, NewKey, parse_scopes
from marginface.server.state import open_state
from marginface.server.state.places import state_address
from oracles.browsed import Visit

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]
OPTIONS = ("--events", "--two-person", "erase")


def keyed(visit: Visit, token: str) -> None:
    """Let a visit begin with a key in its tab."""
    visit.page.add_init_script(f"sessionStorage.setItem('marginface-key', '{token}')")


def test_an_erasure_is_agreed_to_by_another_key(chromium: object, served: object) -> None:
    address = served.address  # type: ignore[attr-defined]
    httpx.post(f"{address}/v1/collections/people/persons", json={"name": "Ann Example"}).raise_for_status()
    state = open_state(state_address(str(served.gallery)))  # type: ignore[attr-defined]
    tokens = [KeyStore(state).create(NewKey(parse_scopes("all")))[1] for _ in range(2)]
    state.close()
    with Visit(chromium, address) as first, Visit(chromium, address) as second:
        keyed(first, tokens[0])
        keyed(second, tokens[1])
        first.expected_errors.append("409")
        page = first.open("people/people")
        page.get_by_role("link", name="Ann Example").click()
        page.get_by_role("button", name="Erase this person").click()
        page.get_by_role("button", name="Erase for good").click()
        first.sees("needs the word of a second key")

        other = second.open("key")
        second.sees("Erase a person")
        other.get_by_role("button", name="Agree", exact=True).click()
        other.get_by_role("dialog").get_by_role("button", name="Agree").click()
        second.sees("Nothing waits for a word.")

        page.get_by_role("button", name="Erase for good").click()
        page.get_by_role("dialog", name="Receipt of the erasure").wait_for()
        first.check()
        second.check()
