"""The people of a collection."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from marginface.server.schemas.fields import Name, RecordedText

_PERSON: dict[str, Any] = {
    "uid": "p-3f9a1c0b77d2e845",
    "name": "Ann Example",
    "collection": "staff",
    "faces": 2,
    "created": "2027-01-31T12:00:00Z",
    "consent": "signed 2027-01-30",
    "purpose": "door",
    "retain_until": "2029-01-31",
}


class Person(BaseModel):
    """A person. The opaque id stays; a name can change. ``retain_until`` is the last day, null: until erased."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_PERSON]})

    uid: str
    name: str
    collection: str
    faces: int
    created: str
    consent: str
    purpose: str
    retain_until: date | None


class PersonPage(BaseModel):
    """People in the order they were added. There is a next page where ``next_cursor`` is not null."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_PERSON], "next_cursor": "A3v1…"}]}
    )

    items: list[Person]
    next_cursor: str | None


class NewPerson(BaseModel):
    """A person to add, with what is recorded about them; photos come after."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Ann Example", "consent": "signed 2027-01-30", "retain_until": "2029-01-31"}]
        },
    )

    name: Name
    consent: RecordedText = ""
    purpose: RecordedText = ""
    retain_until: date | None = None


class PersonChange(BaseModel):
    """What is to change about a person; what is not said stays. ``retain_until`` null: keep until erased."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Anne Example", "retain_until": "2031-12-31"}]}
    )

    name: Name = ""
    consent: RecordedText = ""
    purpose: RecordedText = ""
    retain_until: date | None = None


class Merge(BaseModel):
    """Who the person is: by opaque id or name."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"into": "p-3f9a1c0b77d2e845"}]})

    into: Name


class Move(BaseModel):
    """Where the person goes: a collection of the same contract, by name or opaque id."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"to": "former staff"}]})

    to: Name
