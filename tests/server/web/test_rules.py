"""What holds for every view: names, contrast, order, width; no script of a report runs; a key stays in its tab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from oracles.browsed import Scheme, Visit
from oracles.page_rules import faults_of, tab_stops

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]

VIEWS = (
    "look",
    "compare",
    "identify",
    "people",
    "people/people/enrol",
    "people/people/export",
    "jobs",
    "health",
    "events",
    "training",
    "evaluations",
    "key",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_view_can_be_read_by_everyone(chromium: object, served: object, width: int, scheme: Scheme) -> None:
    with Visit(chromium, served.address, width, scheme) as visit:  # type: ignore[attr-defined]
        for view in VIEWS:
            page = visit.open(view)
            assert faults_of(page, fingers=width == 360) == {}, view
        visit.check()


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_answers_keep_the_same_rules(
    chromium: object, served: object, drawn: Callable[..., Path], width: int, scheme: Scheme
) -> None:
    with Visit(chromium, served.address, width, scheme) as visit:  # type: ignore[attr-defined]
        choosers = visit.page.locator(".picker input[type=file]:not([capture])")
        for view, photos in (("look", [drawn((0, 1, 2))]), ("compare", [drawn(0), drawn(1)])):
            page = visit.open(view)
            for place, photo in enumerate(photos):
                choosers.nth(place).set_input_files(photo)
                visit.settle()
            assert page.locator(".mark").count() > 0
            assert faults_of(page, fingers=width == 360) == {}, view
        visit.check()


def test_the_keyboard_goes_from_the_skip_link_through_the_menu_to_the_view(visit: Visit) -> None:
    page = visit.open("look")
    stops = tab_stops(page)
    assert stops[0] == "Skip to the content"
    menu = ["Look", "Compare", "Identify", "People", "Jobs", "Health", "Events", "Training", "Evaluations", "Key"]
    assert [stop for stop in stops if stop in menu] == menu
    assert stops[-2:] == ["Choose a photo: Drop a photo here", "Use the camera: Drop a photo here"]
    assert page.locator("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").count() == 0


def test_the_skip_link_leads_into_the_view(visit: Visit) -> None:
    page = visit.open("look")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    assert page.get_by_role("heading", name="Look at a face").is_visible()


def test_a_change_of_the_view_is_told(visit: Visit) -> None:
    page = visit.open("look")
    page.get_by_role("link", name="Health").click()
    page.get_by_role("heading", name="Health").wait_for()
    page.wait_for_function("() => document.activeElement.tagName === 'H1'")
    assert page.title() == "Health – marginface"
    assert page.get_by_role("link", name="Health").get_attribute("aria-current") == "page"
    page.go_back()
    page.get_by_role("heading", name="Look at a face").wait_for()


def test_there_are_landmarks(visit: Visit) -> None:
    page = visit.open("look")
    for role in ("banner", "navigation", "main"):
        assert page.get_by_role(role).count() == 1
    assert page.get_by_role("status").count() == 1
    assert page.evaluate("() => document.documentElement.lang") == "en"


def test_on_a_phone_the_menu_opens_and_closes(chromium: object, served: object) -> None:
    with Visit(chromium, served.address, 360) as visit:  # type: ignore[attr-defined]
        page = visit.open("look")
        button = page.get_by_role("button", name="Menu")
        assert not page.get_by_role("link", name="Health").is_visible()
        button.click()
        assert button.get_attribute("aria-expanded") == "true"
        page.get_by_role("link", name="Key").focus()
        page.keyboard.press("Escape")
        assert button.get_attribute("aria-expanded") == "false"
        button.click()
        page.get_by_role("link", name="Health").click()
        page.get_by_role("heading", name="Health").wait_for()
        assert button.get_attribute("aria-expanded") == "false"


def test_an_address_that_is_no_view_says_so(visit: Visit) -> None:
    page = visit.open("nowhere")
    assert page.get_by_role("heading", name="There is no such view").is_visible()


def test_a_name_is_shown_as_it_is_written_and_never_as_html(visit: Visit) -> None:
    page = visit.open("look")
    name = "<b onclick=x>Bob</b><img src=x>"
    script = "name => fetch('/v1/collections/people/persons', { method: 'POST', body: JSON.stringify({ name }),"
    page.evaluate(script + " headers: { 'Content-Type': 'application/json' } })", name)
    visit.open("people/people")
    visit.sees(name)
    page.get_by_role("link", name=name).click()
    page.get_by_role("heading", name=name).wait_for()
    assert page.locator("main b, main img").count() == 0
    assert name not in page.title()  # which the browser's history keeps


def test_the_browser_is_asked_to_remember_no_field(visit: Visit) -> None:
    kept = "input:not([autocomplete=off]):not([type=file]):not([type=checkbox]):not([type=radio])"
    for view in ("people", "people/people/enrol", "health", "events", "key"):
        assert visit.open(view).locator(kept).count() == 0, view
