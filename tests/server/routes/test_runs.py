"""Training runs over HTTP: no path of the machine, no script in a report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from marginface.server.access import Forbidden
from marginface.server.access.tickets import SECONDS, check_ticket, issue_ticket
from marginface.server.settings import ServerSettings
from marginface.server.shown.runs import READ
from marginface.server.state import open_state
from marginface.server.state.places import state_address
from marginface.training.folder.state import RunFolder, open_run
from oracles.patience import PATIENCE
from oracles.run_folders import REPORT, add_steps, write_run
from oracles.served import MakeKey, Start


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs, one of them finished with a report, and a third whose journal is damaged."""
    folder = tmp_path / "runs"
    write_run(folder / "papers" / "arcface", state="finished", report=REPORT)
    write_run(folder / "small", steps=4, state="interrupted")
    damaged = write_run(folder / "torn")
    (damaged / "journal.jsonl").write_text('{"step": 1\n{"step": 2}\n', encoding="utf-8")
    return folder


@pytest.fixture
def shown(start: Start, settings: ServerSettings, runs: Path) -> TestClient:
    return start(settings.model_copy(update={"runs": runs}))


def id_of(client: TestClient, folder: str) -> str:
    return next(str(run["run"]) for run in client.get("/v1/runs").json()["items"] if run["folder"] == folder)


def test_runs_are_listed_with_how_far_they_are(shown: TestClient, runs: Path) -> None:
    answer = shown.get("/v1/runs")
    found = {run["folder"]: run for run in answer.json()["items"]}
    assert list(found) == ["papers/arcface", "small", "torn"]
    assert found["papers/arcface"]["state"] == "finished"
    assert found["papers/arcface"]["held_out_interval"] == [0.86, 0.93]
    assert (found["small"]["step"], found["small"]["total_steps"], found["small"]["has_report"]) == (4, 8, False)
    assert found["torn"]["state"] == "unreadable"
    assert "torn/journal.jsonl: line 1" in found["torn"]["message"]
    assert str(runs) not in answer.text


def test_the_list_comes_in_pages(shown: TestClient) -> None:
    first = shown.get("/v1/runs?limit=2").json()
    second = shown.get(f"/v1/runs?limit=2&cursor={first['next_cursor']}").json()
    assert [run["folder"] for run in first["items"] + second["items"]] == ["papers/arcface", "small", "torn"]
    assert second["next_cursor"] is None


def test_a_run_tells_its_recipe_and_what_happened(shown: TestClient) -> None:
    run = shown.get(f"/v1/runs/{id_of(shown, 'small')}").json()
    assert 'name = "arcface"' in run["recipe"]
    assert [(event["event"], event["step"]) for event in run["events"]] == [("started", 0), ("interrupted", 4)]
    assert run["message"] == "it says why"
    assert run["fingerprint"] == "f"


def test_a_curve_goes_on_from_a_step(shown: TestClient, runs: Path) -> None:
    run = id_of(shown, "small")
    whole = shown.get(f"/v1/runs/{run}/journal").json()
    assert [point["step"] for point in whole["points"]] == [1, 2, 3, 4]
    assert whole["points"][0]["loss"] == 10
    assert whole["points"][-1]["held_out"] == 0.9
    add_steps(runs / "small", 5, 7)
    later = shown.get(f"/v1/runs/{run}/journal?after=4").json()
    assert [point["step"] for point in later["points"]] == [5, 6, 7]
    assert later["step"] == 7
    assert shown.get(f"/v1/runs/{run}/journal?after=7").json()["points"] == []


def test_a_long_curve_is_thinned_to_means_and_keeps_the_evaluations(shown: TestClient, runs: Path) -> None:
    add_steps(runs / "small", 5, 104)
    points = shown.get(f"/v1/runs/{id_of(shown, 'small')}/journal?points=10").json()["points"]
    assert len(points) == 11
    assert 4 in [point["step"] for point in points]
    between = range(points[0]["step"] + 1, points[1]["step"] + 1)
    assert points[1]["loss"] == pytest.approx(sum(10 / step for step in between) / len(between))


def test_a_report_runs_no_script_and_may_be_framed_by_the_page_alone(shown: TestClient) -> None:
    answer = shown.get(f"/v1/runs/{id_of(shown, 'papers/arcface')}/report")
    assert answer.text == REPORT
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    missing = shown.get(f"/v1/runs/{id_of(shown, 'small')}/report")
    assert missing.status_code == 404
    assert "when the run finishes" in missing.json()["error"]["message"]


def test_a_ticket_opens_one_report_without_a_key(shown: TestClient, make_key: MakeKey) -> None:
    run = id_of(shown, "papers/arcface")
    key = make_key("runs")
    ticket = shown.post(f"/v1/runs/{run}/ticket", headers=key).json()["ticket"]
    report = f"/v1/reports/{run}"
    assert shown.get(report).status_code == 422
    assert shown.get(f"/v1/runs/{run}/report").status_code == 401
    answer = shown.get(report, params={"ticket": ticket})
    assert (answer.status_code, answer.text) == (200, REPORT)
    assert answer.headers["content-security-policy"].startswith("sandbox;")
    assert shown.get(report, params={"ticket": ticket + "0"}).status_code == 403
    assert shown.get("/v1/reports/r-0000000000000000", params={"ticket": ticket}).status_code == 403
    assert shown.post(f"/v1/runs/{run}/ticket", headers=make_key("detect")).status_code == 403


def test_a_ticket_is_over_after_its_minute(settings: ServerSettings) -> None:
    state = open_state(state_address(settings.gallery))
    ticket = issue_ticket(state, "r-1", now=1000.0)
    check_ticket(state, "r-1", ticket, now=1000.0 + SECONDS - 1)
    with pytest.raises(Forbidden, match="is over"):
        check_ticket(state, "r-1", ticket, now=1000.0 + SECONDS + 1)
    for wrong in ("", "1", "x.y", ticket.replace("1060", "9060"), f"{'9' * 400}.a", "²."):
        with pytest.raises(Forbidden, match="not for this"):
            check_ticket(state, "r-1", wrong, now=1000.0)
    state.close()


@pytest.mark.parametrize("path", ["", "/r-1", "/r-1/journal", "/r-1/report"])
def test_without_a_folder_of_runs_it_says_how_to_show_one(client: TestClient, path: str) -> None:
    answer = client.get(f"/v1/runs{path}")
    assert answer.status_code == 404
    assert "--runs FOLDER" in answer.json()["error"]["message"]


def test_another_id_is_not_found(shown: TestClient) -> None:
    for path in ("r-0000000000000000", "r-1/journal", "r-1/report"):
        assert shown.get(f"/v1/runs/{path}").status_code == 404


def test_runs_are_read_without_torch() -> None:
    code = (
        "import sys, marginface.server.routes.runs, marginface.server.routes.evaluations; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", READ)
def test_no_file_of_a_run_is_read_through_a_link_that_leads_out(shown: TestClient, runs: Path, name: str) -> None:
    """Who may write into the folder of runs could otherwise have the service read them the key of the gallery."""
    secret = runs.parent / "secret"
    secret.write_text('name = "a secret"\n[loss]\nname = "a secret"\n', encoding="utf-8")
    file = runs / "small" / name
    file.unlink(missing_ok=True)
    file.symlink_to(secret)
    answer = shown.get("/v1/runs")
    told = next(run for run in answer.json()["items"] if run["folder"] == "small")
    assert told["state"] == "unreadable"
    assert told["message"].startswith(f"small/{name}: it is a link that leads out")
    for path in ("", "/journal"):
        refused = shown.get(f"/v1/runs/{told['run']}{path}")
        assert refused.status_code == 422
        assert "a secret" not in refused.text + answer.text
        assert str(runs) not in refused.text


@pytest.mark.parametrize("name", ["recipe.toml", "journal.jsonl", "history.jsonl", "data.json", ""])
def test_no_link_that_comes_after_the_look_at_a_run_is_followed(
    shown: TestClient, runs: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whoever looks first and opens then can be made to open something else: a file, or the folder of the run."""
    outside = write_run(runs.parent / "outside", steps=7, state="interrupted")
    for file, before, after in (
        ("recipe.toml", 'name = "', 'name = "secret-'),
        ("history.jsonl", "it says why", "it says a secret"),
        ("data.json", '"f"', '"secret"'),
    ):
        text = (outside / file).read_text(encoding="utf-8")
        assert before in text
        (outside / file).write_text(text.replace(before, after), encoding="utf-8")
    run, place = id_of(shown, "small"), runs / "small" / name

    def swapped(*arguments: Any) -> RunFolder:
        place.rename(runs / "before")
        place.symlink_to(outside / name)
        return open_run(*arguments)

    monkeypatch.setattr("marginface.server.shown.runs.open_run", swapped)
    told = shown.get(f"/v1/runs/{run}")
    assert told.status_code in (404, 422), told.text
    assert "secret" not in told.text


def test_a_report_that_is_a_link_out_is_not_there(shown: TestClient, runs: Path) -> None:
    secret = runs.parent / "secret"
    secret.write_text("a secret", encoding="utf-8")
    (runs / "papers" / "arcface" / "report.html").unlink()
    (runs / "papers" / "arcface" / "report.html").symlink_to(secret)
    run = id_of(shown, "papers/arcface")
    assert not next(one for one in shown.get("/v1/runs").json()["items"] if one["run"] == run)["has_report"]
    assert shown.get(f"/v1/runs/{run}/report").status_code == 404
    ticket = shown.post(f"/v1/runs/{run}/ticket").json()["ticket"]
    assert shown.get(f"/v1/reports/{run}", params={"ticket": ticket}).status_code == 404


def test_links_within_the_folder_are_followed(shown: TestClient, runs: Path) -> None:
    kept = runs / "kept.toml"
    (runs / "small" / "recipe.toml").rename(kept)
    (runs / "small" / "recipe.toml").symlink_to(kept)
    assert 'name = "small"' in shown.get(f"/v1/runs/{id_of(shown, 'small')}").json()["recipe"]


def test_a_pipe_in_place_of_a_journal_is_not_waited_for(shown: TestClient, runs: Path) -> None:
    (runs / "small" / "journal.jsonl").unlink()
    os.mkfifo(runs / "small" / "journal.jsonl")
    told = next(run for run in shown.get("/v1/runs").json()["items"] if run["folder"] == "small")
    assert (told["state"], "expected a file" in told["message"]) == ("unreadable", True)


def test_checkpoints_elsewhere_are_neither_named_nor_counted(shown: TestClient, runs: Path) -> None:
    outside = runs.parent / "outside" / "step-1"
    outside.mkdir(parents=True)
    (outside / "weights").write_bytes(bytes(1000))
    place = runs / "small" / "checkpoints"
    (place / "step-2").mkdir(parents=True)
    (place / "step-2" / "weights").symlink_to(outside / "weights")
    (place / "step-1").symlink_to(outside)
    told = shown.get(f"/v1/runs/{id_of(shown, 'small')}").json()["checkpoints"]
    assert told == [{"name": "step-2", "bytes": 0}]
    (runs / "torn" / "checkpoints").symlink_to(outside.parent)
    (runs / "torn" / "journal.jsonl").write_text("", encoding="utf-8")
    assert shown.get(f"/v1/runs/{id_of(shown, 'torn')}").json()["checkpoints"] == []
