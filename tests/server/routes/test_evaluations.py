"""Evaluations over HTTP: what the commands wrote, how far a suite is; no path of the machine, no link leads out."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Semaphore
from typing import Any

import pytest
from starlette.testclient import TestClient

from marginface.server.settings import ServerSettings
from marginface.training.folder.lock import held
from oracles.evaluated import write_comparison, write_prepared, write_single, write_suite
from oracles.patience import PATIENCE
from oracles.served import MakeKey, Start

PROGRESS = "suite.progress.json"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    write_suite(folder / "data", folder / "runs" / "suite")
    write_single(folder / "data", folder / "runs" / "single")
    write_prepared(folder / "data", folder / "runs" / "prepared")
    write_comparison(folder / "data" / "training", folder / "runs" / "two", "arcface", "cosface")
    return folder / "runs"


@pytest.fixture
def runs(written: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(written, tmp_path / "runs"))


@pytest.fixture
def shown(start: Start, settings: ServerSettings, runs: Path) -> TestClient:
    return start(settings.model_copy(update={"runs": runs}))


def listed(client: TestClient) -> dict[str, Any]:
    return {one["place"]: one for one in client.get("/v1/evaluations?limit=500").json()["items"]}


def details(client: TestClient, place: str) -> Any:
    answer = client.get(f"/v1/evaluations/{listed(client)[place]['evaluation']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_the_commands_wrote_is_listed_by_kind_with_headlines(shown: TestClient, runs: Path) -> None:
    answer = shown.get("/v1/evaluations")
    found = [(one["kind"], one["place"], one["state"]) for one in answer.json()["items"]]
    assert found == [
        ("suite", "suite", "finished"),
        ("comparison", "two", "finished"),
        ("two-models", "single/two.json", "finished"),
        ("pairs", "single/pairs.json", "finished"),
        ("templates", "single/ijb.json", "finished"),
        ("identify", "single/people.json", "finished"),
        ("scores", "single/scores.json", "finished"),
        ("calibration", "prepared/door.toml", "finished"),
        ("audit", "prepared/crops.json", "finished"),
    ]
    suite = answer.json()["items"][0]
    assert (suite["name"], suite["model"], suite["done"], suite["total"]) == ("drawn", "sface", 2, 2)
    assert [one["protocol"] for one in suite["headline"]] == ["Drawn pairs", "Drawn open set"]
    assert all(one["low"] <= one["value"] <= one["high"] for one in suite["headline"])
    assert [one["has_report"] for one in answer.json()["items"]] == [
        *(True, True, False, True, False, False, False),
        *(True, True),
    ]
    assert str(runs) not in answer.text


def test_who_looks_for_a_face_does_not_wait_for_who_looks_at_evaluations(
    start: Start, settings: ServerSettings, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = settings.limits.model_copy(update={"running": 1, "waiting": 0})
    client = start(settings.model_copy(update={"runs": runs, "limits": limits}))
    client.post("/v1/collections", json={"name": "staff"})
    begun, goes_on = Semaphore(0), Event()

    def waits(*_: Any) -> list[Any]:
        begun.release()
        goes_on.wait(PATIENCE)
        return []

    for where in ("evaluations.shown_evaluations", "runs.shown_runs"):
        monkeypatch.setattr(f"marginface.server.routes.{where}", waits)
    with ThreadPoolExecutor(2) as crowd:
        asked = [crowd.submit(client.get, f"/v1/{what}") for what in ("evaluations", "runs")]
        assert all(begun.acquire(timeout=PATIENCE) for _ in asked)
        assert client.get("/v1/collections/staff/stats").status_code == 200
        goes_on.set()
        assert {one.result(PATIENCE).status_code for one in asked} == {200}


def test_a_folder_of_somebody_else_hides_no_other_one(
    shown: TestClient, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [shown.get(f"/v1/{what}?limit=500").json()["items"] for what in ("evaluations", "runs")]
    assert all(before)
    (runs / "closed").mkdir()
    is_file = Path.is_file

    def is_file_if_allowed(path: Path) -> bool:
        if path.parent.name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied")
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", is_file_if_allowed)
    for what, known in zip(("evaluations", "runs"), before, strict=True):
        answer = shown.get(f"/v1/{what}?limit=500")
        assert (answer.status_code, len(answer.json()["items"])) == (200, len(known)), what


def test_a_table_is_given_whatever_bytes_its_name_is(shown: TestClient, runs: Path) -> None:
    (runs / "single" / "pairs.json").rename(runs / "single" / os.fsdecode(b"\xff.json"))
    (found,) = shown.get("/v1/evaluations?kind=pairs").json()["items"]
    answer = shown.get(f"/v1/evaluations/{found['evaluation']}/tables/json")
    assert (answer.status_code, answer.headers["content-disposition"]) == (200, "attachment; filename*=UTF-8''%3F.json")


def test_the_list_comes_in_pages_and_of_a_kind(shown: TestClient) -> None:
    first = shown.get("/v1/evaluations?limit=5").json()
    second = shown.get(f"/v1/evaluations?limit=5&cursor={first['next_cursor']}").json()
    assert len(first["items"] + second["items"]) == 9
    assert second["next_cursor"] is None
    assert [one["kind"] for one in shown.get("/v1/evaluations?kind=pairs").json()["items"]] == ["pairs"]
    assert shown.get(f"/v1/evaluations?kind=pairs&cursor={first['next_cursor']}").status_code == 422
    refused = shown.get("/v1/evaluations?kind=pears")
    assert (refused.status_code, "'pairs'" in refused.json()["error"]["message"]) == (422, True)


def test_every_figure_is_told_with_what_it_supports(shown: TestClient, runs: Path) -> None:
    suite = details(shown, "suite")
    told = json.loads((runs / "suite" / "results.json").read_text())["results"]
    assert sum(len(part["figures"]) for part in suite["parts"]) == len(told)
    two = details(shown, "two")
    (part,) = two["parts"]
    assert part["sentences"][0].startswith("cosface against arcface")
    assert [(job["variant"], job["seed"], job["state"]) for job in two["trainings"]] == [
        ("arcface", "0", "finished"),
        ("cosface", "0", "finished"),
    ]
    known = {run["run"] for run in shown.get("/v1/runs").json()["items"]}
    assert {job["run"] for job in two["trainings"]} == known, "each training is a run that is shown"


def test_tables_and_the_report_are_given(shown: TestClient, runs: Path) -> None:
    suite = details(shown, "suite")
    assert [(one["table"], one["file"]) for one in suite["tables"]] == [
        ("csv", "results.csv"),
        ("json", "results.json"),
        ("tex", "results.tex"),
    ]
    here = f"/v1/evaluations/{suite['evaluation']}"
    table = shown.get(f"{here}/tables/csv")
    assert table.content == (runs / "suite" / "results.csv").read_bytes()
    assert table.headers["content-disposition"] == "attachment; filename*=UTF-8''results.csv"
    assert shown.get(f"{here}/tables/sqlite").status_code == 422
    report = shown.get(f"{here}/report")
    assert report.content == (runs / "suite" / "report.html").read_bytes()
    assert report.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    single = listed(shown)["single/scores.json"]["evaluation"]
    missing = shown.get(f"/v1/evaluations/{single}/report")
    assert (missing.status_code, "--report" in missing.json()["error"]["message"]) == (404, True)
    assert shown.get(f"/v1/evaluations/{single}/tables/tex").status_code == 404


def test_a_ticket_opens_one_report_without_a_key(shown: TestClient, make_key: MakeKey) -> None:
    suite = listed(shown)["suite"]["evaluation"]
    key = make_key("runs")
    ticket = shown.post(f"/v1/evaluations/{suite}/ticket", headers=key).json()["ticket"]
    assert shown.get(f"/v1/evaluations/{suite}/report").status_code == 401
    answer = shown.get(f"/v1/reports/{suite}", params={"ticket": ticket})
    assert (answer.status_code, answer.headers["x-frame-options"]) == (200, "SAMEORIGIN")
    assert shown.get("/v1/reports/v-0000000000000000", params={"ticket": ticket}).status_code == 403


def change_progress(folder: Path, number: int, **values: object) -> None:
    told = json.loads((folder / PROGRESS).read_text())
    told["protocols"][number].update(values)
    (folder / PROGRESS).write_text(json.dumps(told))


def test_a_running_suite_tells_its_protocols_and_images(shown: TestClient, runs: Path) -> None:
    change_progress(runs / "suite", 1, state="running", images=[6, 16])
    with held(runs / "suite", "suite"):
        suite = details(shown, "suite")
        assert (suite["state"], suite["done"], suite["total"]) == ("running", 1, 2)
        part = suite["parts"][1]
        assert (part["state"], part["images_done"], part["images"], part["figures"]) == ("running", 6, 16, [])
    stopped = details(shown, "suite")
    assert (stopped["state"], stopped["parts"][1]["state"]) == ("stopped", "stopped")


def test_a_comparison_is_shown_before_its_table_is_there(shown: TestClient, runs: Path) -> None:
    before = listed(shown)["two"]["evaluation"]
    (runs / "two" / "compare.json").unlink()
    (runs / "two" / "cosface" / "seed-0" / "outcome.json").unlink()
    stopped = details(shown, "two")
    assert (stopped["evaluation"], stopped["state"], stopped["done"], stopped["total"]) == (before, "stopped", 1, 2)
    with held(runs / "two", "compare"), held(runs / "two" / "cosface" / "seed-0", "training"):
        running = details(shown, "two")
        assert running["state"] == "running"
        assert [job["state"] for job in running["trainings"]] == ["finished", "running"]
    with held(runs / "two", "sweep"):
        swept = details(shown, "two")
    assert (swept["evaluation"], swept["kind"]) == (before, "sweep"), "the id does not hang on who is at work"


READ_FILES: tuple[tuple[str, str, Callable[[Any], bool]], ...] = (
    ("suite", f"suite/{PROGRESS}", lambda one: one["state"] == "unreadable"),
    ("suite", "suite/drawn-pairs.json", lambda one: one["state"] == "unreadable"),
    ("suite", "suite/results.csv", lambda one: [each["table"] for each in one["tables"]] == ["json", "tex"]),
    ("suite", "suite/report.html", lambda one: not one["has_report"]),
    ("single/pairs.json", "single/pairs.json", lambda one: one["state"] == "unreadable"),
    ("single/pairs.json", "single/pairs.html", lambda one: not one["has_report"]),
    ("two", "two/cosface/seed-0/outcome.json", lambda one: one["trainings"][1]["state"] == "waiting"),
    ("two/compare.json", "two/compare.json", lambda one: one["state"] == "unreadable"),
    ("suite", "suite/.lock", lambda one: one["state"] == "finished"),
    ("two", "two/.lock", lambda one: one["state"] == "finished"),
)


@pytest.mark.parametrize(("place", "file", "is_kept_out"), READ_FILES, ids=[file for _, file, _ in READ_FILES])
def test_no_file_is_read_through_a_link_that_leads_out(
    shown: TestClient, runs: Path, place: str, file: str, is_kept_out: Callable[[Any], bool]
) -> None:
    path, outside = runs / file, runs.parent / "outside"
    content = path.read_bytes() if path.exists() else b""
    outside.write_bytes(content.replace(b"sface", b"a secret").replace(b"<title>", b"<title>a secret "))
    path.unlink(missing_ok=True)
    path.symlink_to(outside)
    answer = shown.get("/v1/evaluations")
    found = details(shown, place)
    assert is_kept_out(found)
    assert "a secret" not in answer.text + json.dumps(found)
    assert str(runs) not in answer.text + json.dumps(found)
    here = f"/v1/evaluations/{found['evaluation']}"
    for part in ("report", "tables/csv", "tables/json"):
        assert "a secret" not in shown.get(f"{here}/{part}").text


def test_a_calibration_and_an_audit_are_given_with_their_pages_and_no_place_of_the_machine(
    shown: TestClient, runs: Path
) -> None:
    door, crops = details(shown, "prepared/door.toml"), details(shown, "prepared/crops.json")
    assert [table["table"] for table in (*door["tables"], *crops["tables"])] == ["toml", "json"]
    for told in (door, crops):
        assert str(runs) not in json.dumps(told)
        page = shown.get(f"/v1/evaluations/{told['evaluation']}/report")
        assert (page.status_code, "<html" in page.text) == (200, True)
    table = shown.get(f"/v1/evaluations/{door['evaluation']}/tables/toml")
    assert (table.headers["content-type"], table.content) == (
        "application/toml; charset=utf-8",
        (runs / "prepared" / "door.toml").read_bytes(),
    )
    assert shown.get("/v1/evaluations?kind=calibration").json()["items"][0]["evaluation"] == door["evaluation"]


def test_a_folder_that_is_a_link_is_not_entered(shown: TestClient, runs: Path) -> None:
    outside = runs.parent / "elsewhere"
    (runs / "two").rename(outside)
    (runs / "two").symlink_to(outside)
    (runs / "suite").rename(runs.parent / "suite elsewhere")
    (runs / "suite").symlink_to(runs.parent / "suite elsewhere")
    assert {place.split("/")[0] for place in listed(shown)} == {"single", "prepared"}


def test_without_a_folder_of_runs_it_says_how_to_show_one(client: TestClient) -> None:
    for path in ("", "/v-1", "/v-1/report", "/v-1/tables/csv"):
        answer = client.get(f"/v1/evaluations{path}")
        assert answer.status_code == 404
        assert "--runs FOLDER" in answer.json()["error"]["message"]


def test_another_id_is_not_found(shown: TestClient) -> None:
    for path in ("v-0000000000000000", "v-1/report", "v-1/tables/csv"):
        assert shown.get(f"/v1/evaluations/{path}").status_code == 404
