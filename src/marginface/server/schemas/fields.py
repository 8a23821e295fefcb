"""What a field of a request may be: a name, a text that is recorded, one of a table's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from marginface.gallery.names import LONGEST_NAME, LONGEST_TEXT

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]  # an opaque id fits too
RecordedText = Annotated[str, Field(max_length=LONGEST_TEXT)]


class OneOf:
    """Lets pass the names of a table alone, and what else is allowed; OpenAPI lists them.

    >>> Policy = Annotated[str, OneOf({"one": 1, "largest": 2})]
    """

    def __init__(self, table: Mapping[str, Any], *more: str) -> None:
        self._table = table
        self._more = more

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic look a text up after it has read it."""
        return core_schema.no_info_after_validator_function(self._checked, handler(kind))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Say which names there are."""
        return {**handler(schema), "enum": [*self._more, *self._table]}

    def _checked(self, name: str) -> str:
        if name not in self._more:
            self._table[name]  # raises UnknownName, which is a ValueError: it says which there are; FastAPI answers 422
        return name
