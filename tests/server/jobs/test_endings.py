"""Jobs that end before they are done: cancelled, or with an archive that is refused."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from marginface.server.settings import ServerSettings
from oracles.sent_archives import ended, people, send, zip_of
from oracles.served import png_of

pytestmark = pytest.mark.usefixtures("red_processes")
ENROL = {"kind": "enrol", "collection": "staff"}


def test_an_import_that_runs_is_cancelled_and_what_it_did_is_kept(
    staff: TestClient, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARGINFACE_TEST_SLOW", "0.06")
    job = send(staff, ENROL, zip_of(people(150, 2)))
    while not staff.get(f"/v1/jobs/{job}").json()["done"] >= 32:
        time.sleep(0.05)
    assert staff.delete(f"/v1/jobs/{job}").json()["stopping"]
    told = ended(staff, job)
    assert (told["state"], told["stopping"], 32 <= told["done"] < 300) == ("cancelled", False, True)
    items = staff.get(f"/v1/jobs/{job}/result", params={"limit": 500}).json()["items"]
    assert len(items) == told["done"]
    people_there = staff.get("/v1/collections/staff/persons", params={"limit": 500}).json()["items"]
    assert sum(one["faces"] for one in people_there) == told["done"]
    wait_until_gone(Path(settings.gallery + ".service.d"))


def test_a_hostile_archive_fails_its_job_with_a_message_and_enrols_nobody(staff: TestClient) -> None:
    told = ended(staff, send(staff, ENROL, zip_of({"Ann/1.png": png_of(1), "../../x.png": png_of(2)})))
    assert (told["state"], told["crashes"]) == ("failed", 0)
    assert "which leaves it" in told["message"]
    assert staff.get("/v1/collections/staff/persons").json()["items"] == []


def wait_until_gone(folder: Path) -> None:
    until = time.monotonic() + 10
    while list(folder.iterdir()):
        assert time.monotonic() < until, "the archive is not deleted"
        time.sleep(0.05)


def test_a_process_of_a_job_needs_no_web_framework_and_no_torch() -> None:
    heavy = "{'fastapi', 'starlette', 'torch'}"
    code = f"import sys, marginface.server.jobs.child; print({heavy} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "set()\n"
