"""schemathesis asks what the OpenAPI allows, and what it does not: no 5xx, and every answer as it is described.

MARGINFACE_FUZZ=200 runs so many examples for each operation instead of a few.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from marginface.gallery import Gallery
from marginface.server.app import make_app
from marginface.server.settings import Limits, ServerSettings
from oracles.enrolments import red_recognizer
from oracles.staff import decode_in_this_process

EXAMPLES = int(os.environ.get("MARGINFACE_FUZZ", "4"))
OPERATIONS = [
    (method.upper(), path)
    for path, item in make_app(ServerSettings(gallery="people.db")).openapi()["paths"].items()
    for method in item
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A service that is open, with a collection that the examples may find: ``staff`` with Ann in it."""
    folder = tmp_path_factory.mktemp("schemathesis")
    with Gallery.create(folder / "people.db", sealed=False) as gallery:
        contract = red_recognizer().contract
        staff = gallery.create_collection("staff", contract=contract.id, embedding_size=contract.embedding_size)
        staff.add_person("Ann")
    limits = Limits(decoders=1, per_minute=10**6, decode_seconds=5)
    told = ServerSettings(gallery=str(folder / "people.db"), names=("testserver",), limits=limits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marginface.server.service.load_recognizer", lambda _: red_recognizer())
        decode_in_this_process(patch)
        app = make_app(told)
        yield schemathesis.openapi.from_asgi("/openapi.json", app)
        schemathesis.python.asgi.shutdown_lifespans()


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_an_operation_answers_as_it_is_described(api: Any, method: str, path: str) -> None:
    operation = api[path][method]

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=EXAMPLES < 10,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)

    ask()
