"""Jobs that end before they are done: cancelled, or with an archive that is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from marginface.server.settings import ServerSettings
from oracles.patience import PATIENCE, wait_for
from oracles.sent_archives import ended, people, send, zip_of
from oracles.served import png_of

pytestmark = pytest.mark.usefixtures("red_processes")
ENROL = {"kind": "enrol", "collection": "staff"}


def test_an_import_that_runs_is_cancelled_and_what_it_did_is_kept(
    staff: TestClient, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARGINFACE_TEST_SLOW", "0.06")
    job = send(staff, ENROL, zip_of(people(150, 2)))
    wait_for(lambda: staff.get(f"/v1/jobs/{job}").json()["done"] >= 32)
    assert staff.delete(f"/v1/jobs/{job}").json()["stopping"]
    told = ended(staff, job)
    assert (told["state"], told["stopping"], 32 <= told["done"] < 300) == ("cancelled", False, True)
    items = staff.get(f"/v1/jobs/{job}/result", params={"limit": 500}).json()["items"]
    assert len(items) == told["done"]
    people_there = staff.get("/v1/collections/staff/persons", params={"limit": 500}).json()["items"]
    assert sum(one["faces"] for one in people_there) == told["done"]
    wait_for(lambda: not list(Path(settings.gallery + ".service.d").iterdir()), "the archive is not deleted")


def test_a_hostile_archive_fails_its_job_with_a_message_and_enrols_nobody(staff: TestClient) -> None:
    told = ended(staff, send(staff, ENROL, zip_of({"Ann/1.png": png_of(1), "../../x.png": png_of(2)})))
    assert (told["state"], told["crashes"]) == ("failed", 0)
    assert "which leaves it" in told["message"]
    assert staff.get("/v1/collections/staff/persons").json()["items"] == []


def test_a_process_of_a_job_needs_no_web_framework_and_no_torch() -> None:
    heavy = "{'fastapi', 'starlette', 'torch'}"
    code = f"import sys, marginface.server.jobs.child; print({heavy} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert answer.stdout == "set()\n"
