"""The description of the API: an example of each body and answer, the form of errors at each route."""

from __future__ import annotations

from typing import Any

import pytest

from marginface.server.app import make_app
from marginface.server.settings import ServerSettings

SPEC: dict[str, Any] = make_app(ServerSettings(gallery="people.db")).openapi()
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, item in SPEC["paths"].items()
    for method, operation in item.items()
]
JSON, FORM = "application/json", "multipart/form-data"


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema where it stands, instead of where it is named."""
    while "$ref" in schema:
        schema = SPEC["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def has_example(schema: dict[str, Any]) -> bool:
    """Say whether a schema has an example, or is made of parts that have one or show themselves."""
    schema = resolved(schema)
    if any(name in schema for name in ("examples", "default", "enum", "const", "contentMediaType")):
        return True
    if schema.get("type") == "object":
        inner = list(schema.get("properties", {}).values()) or [schema.get("additionalProperties", {})]
        return all(has_example(part) for part in inner if isinstance(part, dict))
    if "anyOf" in schema:
        return any(has_example(part) for part in schema["anyOf"] if part.get("type") != "null")
    if schema.get("type") == "array":
        return has_example(schema["items"])
    return schema.get("type") == "boolean"


def own_example(schema: dict[str, Any]) -> bool:
    schema = resolved(schema)
    return bool(schema.get("examples"))


@pytest.mark.parametrize(("title", "operation"), OPERATIONS, ids=[title for title, _ in OPERATIONS])
def test_each_body_and_each_answer_has_an_example(title: str, operation: dict[str, Any]) -> None:
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        check = own_example if kind == JSON else has_example
        assert "example" in content or check(content["schema"]), f"{title}: body"
    for status, answer in operation["responses"].items():
        for kind, content in answer.get("content", {}).items():
            if kind == JSON:
                assert has_example(content["schema"]), f"{title}: {status}"


@pytest.mark.parametrize(("title", "operation"), OPERATIONS, ids=[title for title, _ in OPERATIONS])
def test_each_route_tells_the_form_of_its_errors_and_what_it_does(title: str, operation: dict[str, Any]) -> None:
    told = operation["responses"]["default"]["content"][JSON]["schema"]
    assert resolved(told)["required"] == ["error", "request_id"], title
    assert "422" not in operation["responses"], "FastAPI's own form of errors is not ours"
    assert len(operation["description"]) > 20, title
    for parameter in operation.get("parameters", ()):
        assert parameter.get("description") or parameter["schema"].get("description"), (title, parameter["name"])


def test_the_examples_fit_their_schemas() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    for name, schema in SPEC["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            whole = {**schema, "components": SPEC["components"]}
            jsonschema.Draft202012Validator(whole).validate(example)
            assert name


def test_no_two_operations_have_one_id() -> None:
    ids = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))
