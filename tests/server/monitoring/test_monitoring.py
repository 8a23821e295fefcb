"""Figures for Prometheus: what they count, that no name is in them, and that several workers are one service."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from marginface.server.settings import ServerSettings
from oracles.patience import PATIENCE
from oracles.served import MakeKey, Start, png_of
from oracles.staff import STAFF, make_staff

Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Figures:
    families = text_string_to_metric_families(text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def figures_of(client: TestClient) -> Figures:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return read(answer.text)


def requests(figures: Figures, route: str, status: int, method: str = "POST") -> float:
    labels = (("method", method), ("route", route), ("status", str(status)))
    return figures.get(("marginface_requests_total", labels), 0)


def test_requests_are_counted_by_the_template_of_their_route(client: TestClient) -> None:
    staff = make_staff(client)
    client.post(f"{STAFF}/identify", files={"image": png_of(10)})
    client.get(f"{STAFF}/persons/{staff.ann}")
    client.get("/v1/nothing/Ann")
    client.request("DANCE", "/v1")
    figures = figures_of(client)
    assert requests(figures, "/v1/collections/{collection}/identify", 200) == 1
    assert requests(figures, "/v1/collections/{collection}/persons/{person}", 200, "GET") == 1
    assert requests(figures, "none", 404, "GET") == 1
    assert requests(figures, "/v1", 405, "other") + requests(figures, "none", 405, "other") == 1
    seconds = (("method", "POST"), ("route", "/v1/collections/{collection}/identify"))
    assert figures[("marginface_request_seconds_count", seconds)] == 1
    assert 0 < figures[("marginface_request_seconds_sum", seconds)] < 60
    assert figures[("marginface_requests_running", ())] == 1, "that of /metrics"


def test_what_was_refused_and_not_decoded_is_counted_by_why(client: TestClient, make_key: MakeKey) -> None:
    wide = BytesIO()
    Image.new("RGB", (2000, 2000)).save(wide, "PNG")
    for content in (b"no photo", png_of(1) + bytes(300_000), wide.getvalue()):
        client.post("/v1/detect", files={"image": content})
    key = make_key("metrics")
    client.post("/v1/detect", files={"image": png_of(1)})
    client.post("/v1/detect", files={"image": png_of(1)}, headers=key)
    client.headers = {**client.headers, **key}  # type: ignore[assignment]
    figures = figures_of(client)
    assert figures[("marginface_undecoded_photos_total", (("reason", "unreadable"),))] == 1
    assert figures[("marginface_undecoded_photos_total", (("reason", "too_large"),))] == 2
    assert figures[("marginface_refusals_total", (("reason", "key"),))] == 1
    assert figures[("marginface_refusals_total", (("reason", "scope"),))] == 1
    assert figures[("marginface_refusals_total", (("reason", "size"),))] == 2


def test_jobs_and_the_size_of_collections_are_told_and_nobody_is_named(client: TestClient) -> None:
    make_staff(client)
    client.post("/v1/jobs", json={"kind": "enrol", "collection": "staff"})
    text = client.get("/metrics").text
    uid = client.get("/v1/collections/staff").json()["uid"]
    figures = read(text)
    assert figures[("marginface_people", (("collection", uid),))] == 2
    assert figures[("marginface_faces", (("collection", uid),))] == 2
    assert figures[("marginface_jobs", (("kind", "enrol"), ("state", "waiting")))] == 1
    assert not re.search(r"staff|Ann|Ben|p-[0-9a-f]{16}|f-[0-9a-f]{16}", text)


def test_the_figures_need_their_scope(start: Start, settings: ServerSettings, make_key: MakeKey) -> None:
    client = start(settings)
    key, other = make_key("metrics"), make_key("detect")
    assert [client.get("/metrics", headers=one).status_code for one in ({}, other, key)] == [401, 403, 200]


COUNTING = """
from marginface.server.monitoring import Figures
figures = Figures()
figures.began(); figures.began()
figures.answered("GET", "/v1", 200, 0.01)
"""
READING = """
from prometheus_client import generate_latest
from marginface.server.monitoring.figures import Figures
from marginface.server.monitoring.gathering import _counted
print(generate_latest(_counted(Figures())).decode())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs the processes of POSIX")
def test_the_figures_of_several_workers_are_added_and_those_that_died_run_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for code in (COUNTING, COUNTING, READING):
        answer = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=PATIENCE
        )
    figures = read(answer.stdout)
    assert requests(figures, "/v1", 200, "GET") == 2
    assert figures.get(("marginface_requests_running", ()), 0) == 0
