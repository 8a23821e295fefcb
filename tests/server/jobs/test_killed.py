"""kill -9 in the middle of an import: of the process that works, and of the service itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from marginface.gallery import Gallery
from marginface.server.jobs.tables import JOBS
from marginface.server.settings import ServerSettings
from marginface.server.state import open_state
from marginface.server.state.places import state_address
from oracles.patience import PATIENCE, answer_of, at_work, free_port, wait_for
from oracles.sent_archives import ended, people, send, zip_of

pytestmark = [pytest.mark.usefixtures("red_processes"), pytest.mark.skipif(os.name == "nt", reason="no kill -9 here")]
ENROL = {"kind": "enrol", "collection": "staff"}
PHOTOS = people(40, 2)


def processes_of(job: str) -> list[int]:
    """Return the processes that work at a job."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = place.read_bytes().split(b"\0")
            if job.encode() in words and b"marginface.server.jobs.child" in words:
                found.append(int(place.parent.name))
    return found


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """After its 48th photo a process of a job goes on only when somebody makes this file."""
    monkeypatch.setenv("MARGINFACE_TEST_GATE", str(tmp_path / "gate"))
    return tmp_path / "gate"


def faces_of(settings: ServerSettings) -> dict[str, int]:
    with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
        assert gallery.check().findings == ()
        return {person.name: person.faces for person in gallery.collection("staff").people()}


def expected() -> dict[str, int]:
    return {f"person {number:03d}": 2 for number in range(40)}


def test_the_process_is_killed_and_another_goes_on_where_it_was(
    staff: TestClient, settings: ServerSettings, gate: Path
) -> None:
    job = send(staff, ENROL, zip_of(PHOTOS))
    wait_for(lambda: staff.get(f"/v1/jobs/{job}").json()["done"] >= 32)
    (process,) = processes_of(job)
    os.kill(process, signal.SIGKILL)
    gate.touch()
    told = ended(staff, job)
    assert (told["state"], told["done"], told["crashes"]) == ("done", 80, 1)
    items = staff.get(f"/v1/jobs/{job}/result", params={"limit": 500}).json()["items"]
    assert sorted(item["photo"] for item in items) == sorted(PHOTOS), "each photo has one outcome"
    assert told["summary"]["refused"] == 0
    assert faces_of(settings) == expected()


@contextmanager
def serving(settings: ServerSettings) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    command = [sys.executable, "-m", "marginface", "serve", settings.gallery, "--port", str(port := free_port())]
    command += ["--key-file", str(settings.key_file)]
    nothing = subprocess.DEVNULL
    with at_work(subprocess.Popen(command, stdout=nothing, stderr=nothing)) as process:
        answer_of(f"http://127.0.0.1:{port}/readyz", process)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            yield process, client


def long_ago(settings: ServerSettings, job: str) -> None:
    """Let the last sign of life of a job's holder be long ago, without the seconds of silence."""
    with open_state(state_address(settings.gallery)) as state, state.writing() as connection:
        connection.execute(JOBS.update().where(JOBS.c.uid == job).values(beat=0.0))


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.enable_socket
def test_the_service_is_killed_its_process_dies_with_it_and_the_next_service_goes_on(
    settings: ServerSettings, gate: Path
) -> None:
    with serving(settings) as (service, client):
        client.post("/v1/collections", json={"name": "staff"})
        job = client.post("/v1/jobs", json=ENROL).json()["id"]
        client.put(f"/v1/jobs/{job}/archive", content=zip_of(PHOTOS))
        wait_for(lambda: client.get(f"/v1/jobs/{job}").json()["done"] >= 32)
        service.kill()
        service.wait(PATIENCE)
        wait_for(lambda: not processes_of(job), "the process of the job lives on")
    long_ago(settings, job)
    with serving(settings) as (_, client):
        before = client.get(f"/v1/jobs/{job}").json()
        assert (before["state"], 32 <= before["done"] < 80) == ("running", True)
        gate.touch()
        wait_for(lambda: client.get(f"/v1/jobs/{job}").json()["state"] != "running")
        told = client.get(f"/v1/jobs/{job}").json()
        wait_for(lambda: not list(Path(settings.gallery + ".service.d").iterdir()))  # the archive is deleted
    assert (told["state"], told["done"], told["crashes"]) == ("done", 80, 0)
    assert (told["summary"]["enrolled"] + told["summary"]["known"], told["summary"]["refused"]) == (80, 0)
    assert faces_of(settings) == expected()


def test_a_service_that_stops_gives_the_job_back_and_the_next_one_goes_on(
    start: Callable[[ServerSettings], TestClient], settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARGINFACE_TEST_SLOW", "0.02")
    first = start(settings)
    first.post("/v1/collections", json={"name": "staff"})
    job = send(first, ENROL, zip_of(PHOTOS))
    wait_for(lambda: first.get(f"/v1/jobs/{job}").json()["done"] >= 32)
    first.__exit__(None, None, None)
    assert processes_of(job) == []
    told = ended(start(settings), job)
    assert (told["state"], told["done"], told["crashes"]) == ("done", 80, 0)
    assert told["summary"]["enrolled"] == 80, "what was done is not done again"
    assert faces_of(settings) == expected()
