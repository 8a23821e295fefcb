"""Answers that come late or in another order than they were asked for, and what is not there yet."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from oracles.browsed import Visit
from oracles.patience import PATIENCE

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]
Draw = Callable[..., Path]
CHOOSERS = ".picker input[type=file]:not([capture])"


def held(page: Any, address: str) -> list[Any]:
    """Return a list to which the calls of an address come, each to be let on by ``continue_``."""
    calls: list[Any] = []
    page.route(address, lambda call: calls.append(call))  # playwright marks what it is given
    return calls


def until(page: Any, calls: list[Any], count: int) -> None:
    for _ in range(int(10 * PATIENCE)):
        if len(calls) >= count:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{len(calls)} calls came, {count} are waited for")


def test_a_photo_that_is_chosen_before_the_collections_are_known_is_searched_then(visit: Visit, drawn: Draw) -> None:
    page = visit.open("look")
    calls = held(page, "**/v1/collections")
    page.get_by_role("link", name="Identify").click()
    page.locator(CHOOSERS).set_input_files(drawn(0))
    page.locator(".photo.drawn").wait_for()
    until(page, calls, 1)
    calls[0].continue_()
    page.get_by_role("heading", name=re.compile("1 face, nobody found")).wait_for()


def test_a_photo_without_any_collection_is_shown_beside_what_to_do(visit: Visit, drawn: Draw) -> None:
    page = visit.open("look")
    page.route("**/v1/collections", lambda call: call.fulfill(json={"items": [], "next_cursor": None}))
    visit.open("identify")
    page.locator(CHOOSERS).set_input_files(drawn(0))
    page.locator(".photo.drawn").wait_for()
    visit.sees("There is no collection yet.")


def test_trying_again_brings_the_collections(visit: Visit) -> None:
    visit.expected_errors.append("503")
    page = visit.open("look")
    page.route("**/v1/collections", lambda call: call.fulfill(status=503, json={}), times=1)
    visit.open("identify")
    page.get_by_role("button", name="Try again").click()
    page.get_by_label("Collection").wait_for()


def test_photos_that_are_chosen_before_the_thresholds_are_known_are_compared_then(visit: Visit, drawn: Draw) -> None:
    page = visit.open("look")
    calls = held(page, "**/v1/calibration")
    page.get_by_role("link", name="Compare").click()
    for place in range(2):
        page.locator(CHOOSERS).nth(place).set_input_files(drawn(0))
    until(page, calls, 1)
    calls[0].continue_()
    page.get_by_role("heading", name="The same person").wait_for()


def test_an_answer_to_an_earlier_search_does_not_take_the_place_of_the_last(visit: Visit, served: Any) -> None:
    for name in ("Ann Example", "Ben Example"):
        httpx.post(f"{served.address}/v1/collections/people/persons", json={"name": name}, timeout=PATIENCE)
    page = visit.open("people/people")
    calls = held(page, "**/persons?q=nobody*")
    page.get_by_label("Search by name").fill("nobody")
    until(page, calls, 1)
    page.get_by_label("Search by name").fill("Ben")
    page.get_by_role("table", name="Names with “Ben”").wait_for()
    with page.expect_response("**/persons?q=nobody*"):
        calls[0].continue_()
    page.wait_for_timeout(200)
    assert page.get_by_role("link", name="Ben Example").is_visible()
    assert page.get_by_text("Nobody in people").count() == 0


def test_the_menu_says_what_is_running_also_where_the_first_view_follows_something(visit: Visit) -> None:
    page = visit.open("jobs")
    page.locator("#menu-foot").get_by_text("Contract").wait_for()


def test_an_address_that_was_cut_is_no_view(visit: Visit) -> None:
    visit.open("people/%E0%A4%A")
    visit.sees("There is no such view")
    visit.open("people/%E0")
    visit.sees("There is no such view")
