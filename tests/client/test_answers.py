"""What the client reads is what the service writes: each field is one of the service's, each example is understood."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from marginface import client as answers
from marginface.client.service_answers import Curve, RunDetails
from marginface.server.app import make_app
from marginface.server.settings import ServerSettings

SPEC: dict[str, Any] = make_app(ServerSettings(gallery="people.db")).openapi()
PEOPLE, FACES = "/v1/collections/{collection}/persons", "/v1/collections/{collection}/persons/{person}/faces"
ONE = "/v1/collections/{collection}"
READ: list[tuple[type[BaseModel], str, str]] = [
    (answers.About, "get", "/v1"),
    (answers.Calibration, "get", "/v1/calibration"),
    (answers.Detection, "post", "/v1/detect"),
    (answers.Verification, "post", "/v1/verify"),
    (answers.Comparisons, "post", "/v1/compare"),
    (answers.Embeddings, "post", "/v1/embed"),
    (answers.Identification, "post", f"{ONE}/identify"),
    (answers.CollectionInfo, "get", ONE),
    (answers.Stats, "get", f"{ONE}/stats"),
    (answers.Check, "get", f"{ONE}/check"),
    (answers.Person, "get", f"{PEOPLE}/{{person}}"),
    (answers.GalleryFace, "get", FACES),
    (answers.Enrolment, "post", FACES),
    (answers.Receipt, "delete", f"{PEOPLE}/{{person}}"),
    (answers.AuditEntry, "get", "/v1/audit"),
    (answers.AuditReport, "get", "/v1/audit/check"),
    (answers.Job, "get", "/v1/jobs/{job}"),
    (answers.Event, "get", "/v1/events/{event}"),
    (answers.Run, "get", "/v1/runs"),
    (RunDetails, "get", "/v1/runs/{run}"),
    (Curve, "get", "/v1/runs/{run}/journal"),
    (answers.Evaluation, "get", "/v1/evaluations"),
    (answers.EvaluationDetails, "get", "/v1/evaluations/{evaluation}"),
]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = SPEC["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def schema_of(method: str, path: str) -> dict[str, Any]:
    """Return the schema of an answer; of a listing, that of its items."""
    responses = SPEC["paths"][path][method]["responses"]
    status = next(one for one in ("200", "201") if one in responses)
    schema = resolved(responses[status]["content"]["application/json"]["schema"])
    if set(schema["properties"]) == {"items", "next_cursor"}:
        return resolved(schema["properties"]["items"]["items"])
    return schema


def check_fields(model: type[BaseModel], schema: dict[str, Any]) -> None:
    """Look whether each field of a model, and of the models in it, is a property of the schema."""
    properties = schema["properties"]
    assert set(model.model_fields) <= set(properties), f"{model.__name__} reads what nobody writes"
    for name, field in model.model_fields.items():
        inner = model_in(field.annotation)
        part = object_in(properties[name])
        if inner is not None and part is not None:
            check_fields(inner, part)


def model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (model_in(part) for part in getattr(annotation, "__args__", ()))
    return next((one for one in found if one is not None), None)


def object_in(schema: dict[str, Any]) -> dict[str, Any] | None:
    schema = resolved(schema)
    if "properties" in schema:
        return schema
    parts = [schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict)]
    return next((one for part in parts + schema.get("anyOf", []) if (one := object_in(part)) is not None), None)


@pytest.mark.parametrize(("model", "method", "path"), READ, ids=lambda one: getattr(one, "__name__", one))
def test_what_is_read_is_what_is_written(model: type[BaseModel], method: str, path: str) -> None:
    schema = schema_of(method, path)
    check_fields(model, schema)
    for example in schema.get("examples", ()):
        model.model_validate(example)
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required <= set(schema.get("required", ())), "what may be missing is not demanded"
