"""Archives as somebody sends them, good and hostile, and a wait for their job."""

from __future__ import annotations

import io
import tarfile
import time
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from marginface.server.jobs import runner
from oracles.patience import PATIENCE
from oracles.served import png_of


def zip_of(members: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tar_of(members: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def people(count: int, photos: int = 2) -> dict[str, bytes]:
    """Return photos of so many people, each of another blue, by their names in an archive."""
    return {
        f"person {number:03d}/{photo}.png": png_of((number * photos + photo) % 200)
        for number in range(count)
        for photo in range(photos)
    }


def send(client: TestClient, wish: Mapping[str, Any], archive: bytes, headers: Mapping[str, str] | None = None) -> str:
    """Ask for a job, send its archive, and return its id."""
    job = client.post("/v1/jobs", json=dict(wish), headers=headers)
    assert job.status_code == 201, job.text
    sent = client.put(f"/v1/jobs/{job.json()['id']}/archive", content=archive, headers=headers)
    assert sent.status_code == 200, sent.text
    return str(job.json()["id"])


def look_often(patch: pytest.MonkeyPatch) -> None:
    """Let services of this process look for jobs, and whether one is cancelled, ten times as often as others do."""
    for name, seconds in (("_LOOK", 0.1), ("_PAUSE", 0.02), ("BEAT", 0.2)):
        patch.setattr(runner, name, seconds)


def ended(client: TestClient, job: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Wait until a job is over; return it."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        told: dict[str, Any] = client.get(f"/v1/jobs/{job}", headers=headers).json()
        if told["state"] in ("done", "failed", "cancelled"):
            return told
        time.sleep(0.03)
    raise AssertionError(f"the job is not over after {PATIENCE} s: {told}")
