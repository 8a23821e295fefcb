"""Jobs with their progress, training runs while they train, and the key."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from marginface.server.access import KeyStore, NewKey, parse_scopes
from marginface.server.state import open_state
from marginface.server.state.places import state_address
from marginface.training.folder.lock import held
from oracles.browsed import Scheme, Visit
from oracles.evaluated import write_comparison, write_prepared, write_suite
from oracles.page_rules import faults_of
from oracles.patience import PATIENCE
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
    page.get_by_role("heading", name="Result").wait_for(timeout=1000 * PATIENCE)
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
    page.get_by_role("heading", name="Result").wait_for(timeout=1000 * PATIENCE)


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


@pytest.fixture(scope="module")
def measured(served: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of runs with a suite, a comparison, a calibration and an audit in it, as the commands leave them."""
    runs: Path = served.runs  # type: ignore[attr-defined]
    data = tmp_path_factory.mktemp("data")
    write_suite(data, runs / "suite")
    write_prepared(data, runs / "prepared")
    write_comparison(data / "training", runs / "two", "arcface", "cosface")
    return runs


def test_evaluations_are_listed_by_kind_with_intervals(visit: Visit, measured: Path) -> None:
    page = visit.open("evaluations")
    suites = page.get_by_role("table", name="Suites of protocols").inner_text()
    told = json.loads((measured / "suite" / "results.json").read_text())["results"][0]
    assert f"{100 * told['value']:.2f} % [{100 * told['low']:.2f}, {100 * told['high']:.2f}]" in suites
    assert "Finished" in suites
    assert "accuracy (cosface)" in page.get_by_role("table", name="Comparisons of losses").inner_text()
    page.get_by_label("Kind").select_option("Comparisons of losses")
    page.get_by_role("table", name="Suites of protocols").wait_for(state="hidden")
    page.get_by_label("Kind").select_option("By group (RFW, BFW)")
    visit.sees("There is none of this kind")
    page.get_by_label("Kind").select_option("All kinds")


def test_a_suite_is_followed_while_it_runs(visit: Visit, measured: Path) -> None:
    place = measured / "suite" / "suite.progress.json"
    whole = place.read_text()
    told = json.loads(whole)
    told["protocols"][1].update(state="running", images=[6, 16])
    place.write_text(json.dumps(told))
    with held(measured / "suite", "suite"):
        page = visit.open("evaluations")
        page.get_by_role("link", name="drawn", exact=True).click()
        visit.sees("1 of 2 protocols")
        visit.sees("6 of 16 images")
        assert page.get_by_role("table", name="Figures of Drawn open set").count() == 0
        told["protocols"][1]["images"] = [12, 16]
        place.write_text(json.dumps(told))
        visit.sees("12 of 16 images")
        place.write_text(whole)
        page.get_by_role("table", name="Figures of Drawn open set").wait_for()
    visit.sees("Finished")


def test_an_evaluation_shows_figures_tables_and_its_report(visit: Visit, measured: Path) -> None:
    page = visit.open("evaluations")
    page.get_by_role("link", name="drawn", exact=True).click()
    figures = page.get_by_role("table", name="Figures of Drawn pairs")
    figures.wait_for()
    assert "Accuracy" in figures.inner_text()
    assert figures.locator("svg.interval").count() > 0
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile(r"results\.csv")).click()
    assert Path(download.value.path()).read_bytes() == (measured / "suite" / "results.csv").read_bytes()
    page.get_by_text("Report", exact=True).click()
    page.frame_locator("iframe.report").get_by_role("heading", name="sface: drawn").wait_for()


def test_a_calibration_and_an_audit_are_shown_with_their_pages(visit: Visit, measured: Path) -> None:
    page = visit.open("evaluations")
    page.get_by_role("table", name="Calibrations").get_by_role("link", name="drawn people").click()
    assert "FNMR at FMR 0.1" in page.get_by_role("table", name="Figures of drawn people").inner_text()
    visit.sees("is the threshold for FMR 0.1.")
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile(r"door\.toml")).click()
    assert Path(download.value.path()).read_bytes() == (measured / "prepared" / "door.toml").read_bytes()
    page.get_by_text("Report", exact=True).click()
    page.frame_locator("iframe.report").get_by_role("heading", name="Calibration of sface").wait_for()
    visit.open("evaluations")
    page.get_by_role("table", name="Audits of data sets").get_by_role("link", name="crops").click()
    assert "Images to leave out" in page.get_by_role("table", name="Figures of crops").inner_text()
    page.get_by_text("Report", exact=True).click()
    page.frame_locator("iframe.report").get_by_role("heading").first.wait_for()


def test_a_comparison_leads_to_its_trainings(visit: Visit, measured: Path) -> None:
    page = visit.open("evaluations")
    page.get_by_role("link", name="2 losses, one seed: two losses").click()
    visit.sees("cosface against arcface")
    assert "points" in page.get_by_role("table", name="Differences on held-out pairs").inner_text()
    page.get_by_role("table", name="Trainings").get_by_role("link", name="cosface").click()
    visit.sees("3 of 3")


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_evaluations_can_be_read_by_everyone(
    chromium: object, served: object, measured: Path, width: int, scheme: Scheme
) -> None:
    with Visit(chromium, served.address, width, scheme) as visit:  # type: ignore[attr-defined]
        page = visit.open("evaluations")
        assert faults_of(page, fingers=width == 360) == {}
        for name in ("drawn", "2 losses, one seed: two losses", "drawn people", "crops"):
            visit.open("evaluations")
            page.get_by_role("link", name=name, exact=True).click()
            visit.sees("Finished")
            page.locator("h1").wait_for()  # the list says Finished too
            assert faults_of(page, fingers=width == 360) == {}, name
        visit.check()


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
