"""What a field of a request may be, and how OpenAPI says it."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from marginface.enrolment import REVIEWS
from marginface.gallery.names import LONGEST_NAME, LONGEST_TEXT
from marginface.server.schemas.fields import Name, OneOf, RecordedText

REVIEW = TypeAdapter(Annotated[str, OneOf(REVIEWS, "")])


def test_a_name_of_the_table_passes_and_what_else_is_allowed() -> None:
    assert [REVIEW.validate_python(name) for name in ("strict", "")] == ["strict", ""]
    assert REVIEW.json_schema() == {"type": "string", "enum": ["", *REVIEWS]}


def test_another_name_is_refused_in_the_words_of_the_table() -> None:
    with pytest.raises(ValidationError, match=r"unknown review 'strikt'.*strict"):
        REVIEW.validate_python("strikt")
    with pytest.raises(ValidationError):
        REVIEW.validate_python(3)


def test_lengths_are_those_of_the_gallery() -> None:
    class Asked(BaseModel):
        name: Name
        text: RecordedText = ""

    Asked(name="x" * LONGEST_NAME, text="x" * LONGEST_TEXT)
    for wrong in ({"name": ""}, {"name": "x" * (LONGEST_NAME + 1)}, {"name": "x", "text": "x" * (LONGEST_TEXT + 1)}):
        with pytest.raises(ValidationError):
            Asked.model_validate(wrong)
