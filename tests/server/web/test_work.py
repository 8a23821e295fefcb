"""Jobs with their progress, training runs while they train, and the key."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from marginface.server.access import KeyStore, NewKey, parse_scopes
from marginface.server.state import open_state
from marginface.server.state.places import state_address
from marginface.training.lock import held
from oracles.browsed import Visit
from oracles.run_folders import add_steps

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]
Draw = Callable[..., Path]


def test_an_archive_of_people_is_imported_with_an_outcome_for_each_photo(
    visit: Visit, drawn: Draw, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "people.zip", "w") as archive:
        for person in (0, 1):
            archive.write(drawn(person, 0), f"Person {person}/1.jpg")
        archive.writestr("Person 2/1.jpg", b"no picture")
    page = visit.open("jobs")
    page.get_by_role("button", name="Import people").click()
    dialog = page.get_by_role("dialog", name="Import people")
    dialog.get_by_label("Archive").set_input_files(tmp_path / "people.zip")
    dialog.get_by_label("Consent of all of them").fill("by mail")
    dialog.get_by_label("Purpose").fill("a test")
    dialog.get_by_label("Review").select_option("off")
    dialog.get_by_role("button", name="Upload and start").click()
    page.get_by_role("heading", name="Result").wait_for(timeout=60_000)
    outcomes = page.get_by_role("region", name="What came of each photo")
    outcomes.wait_for()
    assert outcomes.get_by_text("Enrolled").count() == 2
    assert outcomes.get_by_text("Refused").count() == 1
    visit.open("jobs")
    assert page.get_by_role("link", name=re.compile("Import into people")).is_visible()
    visit.sees("Done")


def test_a_purge_ends_with_its_result(visit: Visit) -> None:
    page = visit.open("jobs")
    page.get_by_role("button", name="Purge who is due").click()
    page.get_by_role("button", name="Erase who is due").click()
    page.get_by_role("heading", name="Result").wait_for(timeout=60_000)


def test_runs_are_listed_with_states_and_intervals(visit: Visit) -> None:
    page = visit.open("training")
    table = page.get_by_role("table", name="Runs")
    assert "Finished" in table.inner_text()
    assert "Diverged" in table.inner_text()
    assert "[86.0, 93.0]" in table.inner_text()


def test_the_curve_of_a_run_grows_while_it_trains(visit: Visit, served: object) -> None:
    folder = served.runs / "x2softmax"  # type: ignore[attr-defined]
    with held(folder, "train"):
        page = visit.open("training")
        page.get_by_role("link", name="x2softmax").click()
        visit.sees("The curves grow while it trains.")
        visit.sees("60 of 120")
        path = page.locator(".plot path.line").first
        before = path.get_attribute("d")
        add_steps(folder, 61, 90)
        visit.sees("90 of 120")
        assert path.get_attribute("d") != before


def test_a_report_is_shown_and_its_scripts_do_not_run(visit: Visit) -> None:
    visit.expected_errors.append("Blocked script execution")
    page = visit.open("training")
    page.get_by_role("link", name="arcface-small").click()
    page.get_by_text("Report", exact=True).click()
    heading = page.frame_locator("iframe.report").get_by_role("heading", name="A report")
    heading.wait_for()
    assert heading.evaluate("one => getComputedStyle(one).color") == "rgb(0, 114, 178)"
    assert page.title() != "reached"


def test_the_page_asks_for_a_key_and_keeps_it_in_the_tab_alone(visit: Visit, served: object) -> None:
    """The last one: from here on the service is closed."""
    state = open_state(state_address(str(served.gallery)))  # type: ignore[attr-defined]
    key, token = KeyStore(state).create(NewKey(parse_scopes("detect,stats")))
    state.close()
    visit.expected_errors += ["401", "403"]
    page = visit.page
    page.goto(f"{visit.address}/#/health")
    dialog = page.get_by_role("dialog", name="This service wants a key")
    dialog.wait_for()
    dialog.get_by_label("API key").fill(token)
    dialog.get_by_role("button", name="Use this key").click()
    page.get_by_role("img", name=re.compile("Detection error trade-off")).wait_for()
    kept = page.evaluate("() => [JSON.stringify(localStorage), document.cookie, Object.values(sessionStorage).join()]")
    assert kept == ["{}", "", token]
    assert token not in page.content()
    page.get_by_role("link", name=re.compile("People.*not for this key")).wait_for()
    visit.open("key")
    visit.sees(f"Key {key.id} is in use.")
    visit.open("people")
    page.get_by_role("alert").first.wait_for()
    visit.open("key")
    page.get_by_role("button", name="Forget the key").click()
    page.get_by_role("dialog", name="This service wants a key").wait_for()
    assert page.evaluate("() => sessionStorage.length") == 0
