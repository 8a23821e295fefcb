"""The client has a method for every route of the service, and asks it as the service describes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from marginface.client import Client, Patience
from marginface.errors import ServiceError
from marginface.server.app import make_app
from marginface.server.settings import ServerSettings
from oracles.patience import PATIENCE

PHOTO = b"photo"
SPEC: dict[str, Any] = make_app(ServerSettings(gallery="people.db")).openapi()
ALIASES = {
    ("GET", "/v1/reports/{report}"),  # for a browser, by report_address
}
OPERATIONS = {
    (method.upper(), path)
    for path, item in SPEC["paths"].items()
    for method in item
    if not path.startswith("/api/")  # CompreFace's, for its own clients
} - ALIASES

CALLS: tuple[Callable[[Client, Path], Any], ...] = (
    lambda client, _: client.about(),
    lambda client, _: client.is_alive(),
    lambda client, _: client.is_ready(),
    lambda client, _: client.metrics(),
    lambda client, _: client.calibration(),
    lambda client, _: client.detect(PHOTO, quality="usable", crops=True),
    lambda client, _: client.verify(PHOTO, PHOTO, fmr=0.01, uncertain_fmr=0.1, faces="one", quality="off", crops=True),
    lambda client, _: client.compare([PHOTO, PHOTO], fmr=0.01, uncertain_fmr=0.1, faces="one", quality="off"),
    lambda client, _: client.embed(PHOTO, faces="one", quality="off"),
    lambda client, _: list(client.collections()),
    lambda client, _: client.create_collection("staff"),
    lambda client, _: client.erase_collection("staff"),
    lambda client, _: list(client.audit()),
    lambda client, _: client.check_audit("0" * 64),
    lambda client, _: client.collection("staff").info(),
    lambda client, _: client.collection("staff").rename("people"),
    lambda client, _: client.collection("staff").stats(),
    lambda client, _: client.collection("staff").check(),
    lambda client, _: list(client.collection("staff").people(named="Ann")),
    lambda client, _: client.collection("staff").add_person("Ann", consent="signed"),
    lambda client, _: client.collection("staff").person("Ann"),
    lambda client, _: client.collection("staff").change_person("Ann", name="Anne"),
    lambda client, _: client.collection("staff").keep_until("Ann", None),
    lambda client, _: client.collection("staff").merge("Ann", "Anne"),
    lambda client, _: client.collection("staff").move("Ann", "people"),
    lambda client, _: client.collection("staff").erase("Ann"),
    lambda client, _: client.collection("staff").enrol("p-3f9a1c0b77d2e845", [PHOTO], review="strict", keep_crops=True),
    lambda client, _: list(client.collection("staff").faces("Ann")),
    lambda client, _: client.collection("staff").crop("f-1"),
    lambda client, _: client.collection("staff").delete_face("f-1"),
    lambda client, _: client.collection("staff").move_face("f-1", "Ann", collection="people"),
    lambda client, _: client.collection("staff").identify(
        PHOTO, fpir=0.01, uncertain_fpir=0.1, most=3, faces="one", quality="off"
    ),
    lambda client, folder: client.collection("staff").export(folder / "a", passphrase="a passphrase", people=["Ann"]),
    lambda client, _: list(client.jobs),
    lambda client, _: client.jobs.purge(),
    lambda client, _: client.jobs.get("j-1"),
    lambda client, _: client.jobs.cancel("j-1"),
    lambda client, _: list(client.jobs.result("j-1")),
    lambda client, folder: client.jobs.upload_to("j-1", _archive(folder)),
    lambda client, _: list(client.events),
    lambda client, _: list(client.events.of("identification")),
    lambda client, _: client.events.get("e-1"),
    lambda client, _: list(client.events.waiting()),
    lambda client, _: client.events.confirm("e-1"),
    lambda client, _: client.events.check(),
    lambda client, _: list(client.runs),
    lambda client, _: client.runs.get("r-1"),
    lambda client, _: client.runs.journal("r-1", after=10, points=5),
    lambda client, _: client.runs.report_address("r-1"),
    lambda client, _: client.runs.report("r-1"),
    lambda client, _: list(client.evaluations),
    lambda client, _: list(client.evaluations.of("suite")),
    lambda client, _: client.evaluations.get("v-1"),
    lambda client, _: client.evaluations.report_address("v-1"),
    lambda client, _: client.evaluations.report("v-1"),
    lambda client, _: client.evaluations.table("v-1", "csv"),
)


def _archive(folder: Path) -> Path:
    (folder / "people.zip").write_bytes(b"archive")
    return folder / "people.zip"


@pytest.fixture
def asked(tmp_path: Path) -> list[httpx2.Request]:
    """Make all calls to a service that has nothing; give the requests."""
    requests: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        request.read()
        requests.append(request)
        return httpx2.Response(404, json={"error": {"code": "not_found", "message": "nothing"}, "request_id": "r"})

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    with Client("http://127.0.0.1:8000", patience=Patience(attempts=1), http=http) as client:
        for call in CALLS:
            with suppress(ServiceError):
                call(client, tmp_path)
    return requests


def operation_of(request: httpx2.Request) -> tuple[str, str] | None:
    """Return the operation that a request asks; a path without parameters counts before one with."""
    for method, path in sorted(OPERATIONS, key=lambda one: one[1].count("{")):
        pattern = re.sub(r"{\w+}", "[^/]+", path)
        if method == request.method and re.fullmatch(pattern, request.url.path):
            return method, path
    return None


def test_there_is_a_call_for_every_route(asked: list[httpx2.Request]) -> None:
    assert OPERATIONS - {operation_of(request) for request in asked} == set()


def test_every_parameter_is_one_that_the_service_knows(asked: list[httpx2.Request]) -> None:
    unknown = []
    for request in asked:
        found = operation_of(request)
        if found is None:  # a route of a part that is not here
            continue
        operation = SPEC["paths"][found[1]][found[0].lower()]
        known = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        unknown += [(found, name) for name in request.url.params if name not in known]
        unknown += [(found, name) for name in fields_of(request) - body_fields(operation)]
    assert unknown == []


def fields_of(request: httpx2.Request) -> set[str]:
    """Return the names in the body of a request."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/"):
        return {name.decode() for name in re.findall(rb'form-data; name="([^"]+)"', request.content)}
    if kind == "application/json" and request.content:
        return set(httpx2.Response(200, content=request.content).json())
    return set()


def body_fields(operation: dict[str, Any]) -> set[str]:
    """Return the names that a body may have."""
    names: set[str] = set()
    for content in operation.get("requestBody", {}).get("content", {}).values():
        waiting = [content["schema"]]
        while waiting:
            schema = waiting.pop()
            if "$ref" in schema:
                schema = SPEC["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
            names |= set(schema.get("properties", ()))
            waiting += schema.get("oneOf", []) + schema.get("anyOf", [])
    return names


def test_the_client_needs_no_code_of_the_service() -> None:
    import subprocess
    import sys

    code = "import sys, marginface.client; print([name for name in sys.modules if name.startswith('marginface.')])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout
    assert not re.search(r"marginface\.(server|gallery|pipeline|training|images)", loaded)
    assert (
        "numpy"
        not in subprocess.run(
            [sys.executable, "-c", "import sys, marginface.client; print(*sys.modules)"],
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        ).stdout.split()
    )
