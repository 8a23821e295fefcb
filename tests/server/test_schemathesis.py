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
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from marginface.gallery import Gallery, NewFace
from marginface.server.app import make_app
from marginface.server.settings import Limits, ServerSettings
from oracles.enrolments import red_recognizer
from oracles.served import png_of
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


class Known:
    """What the examples may find: the collections ``staff`` and ``visitors`` with Ann and Ben, each with a face."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._face = red_recognizer().embed(png_of(10))

    def restore(self) -> None:
        """Make anew what an example has erased, moved or renamed."""
        contract = red_recognizer().contract
        there = {info.name for info in self._gallery.collections()}
        for name in ("staff", "visitors"):
            if name not in there:
                self._gallery.create_collection(name, contract=contract.id, embedding_size=contract.embedding_size)
            collection = self._gallery.collection(name)
            collection.add_many({who: [NewFace(self._face, crop=png_of(10))] for who in ("Ann", "Ben")})

    def names(self) -> dict[str, str]:
        """Return values for the parameters of a path."""
        face = self._gallery.collection("staff").faces("Ann")[0].uid
        return {"collection": "staff", "person": "Ann", "face": face}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Known]:
    with Gallery.create(tmp_path_factory.mktemp("schemathesis") / "people.db", sealed=False) as gallery:
        yield Known(gallery)


@pytest.fixture(scope="module")
def api(known: Known) -> Iterator[Any]:
    """A service that is open."""
    limits = Limits(decoders=1, per_minute=10**6)
    told = ServerSettings(gallery=known._gallery.address, names=("testserver",), limits=limits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marginface.server.service.load_recognizer", lambda _: red_recognizer())
        decode_in_this_process(patch)
        yield schemathesis.openapi.from_asgi("/openapi.json", make_app(told))
        schemathesis.python.asgi.shutdown_lifespans()


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_an_operation_answers_as_it_is_described(api: Any, known: Known, method: str, path: str) -> None:
    operation = api[path][method]

    @given(case=operation.as_strategy(), finds=st.booleans())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=EXAMPLES < 10,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any, finds: bool) -> None:
        if finds:
            known.restore()
            case.path_parameters.update({name: value for name, value in known.names().items() if f"{{{name}}}" in path})
        case.call_and_validate(checks=CHECKS)

    ask()
