"""The JSON of an answer → the value it is said to be."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from marginface.errors import ServiceError

Value = TypeVar("Value", bound=BaseModel)


def read(kind: type[Value], plain: Any) -> Value:
    """Return an answer as a value; raise ServiceError where it is not one, as from another version of the service."""
    try:
        return kind.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the answer"
        raise ServiceError(
            f"the answer is no {kind.__name__}: {where}: {first['msg']}. Have client and service the same version of "
            "marginface?"
        ) from None
