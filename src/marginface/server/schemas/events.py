"""How the service was used, and the word of second keys."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_HASH = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
_EVENT: dict[str, Any] = {
    "id": "e-5d0c9be1f2a34877",
    "seq": 41,
    "time": "2027-01-31T12:00:01Z",
    "key": "3f9a1c0b77de",
    "action": "identification",
    "about": None,
    "collection": "c-5d0c9be1f2a34877",
    "details": {
        "search": "s-90a1c0b77d2e8453",
        "started": "2027-01-31T12:00:00Z",
        "ended": "2027-01-31T12:00:01Z",
        "contract": "59b08417f911d62a",
        "fpir": 0.01,
        "comparisons": 31,
        "threshold": 0.42,
        "fmr": 0.00032,
        "decision": "match",
        "similarity": 0.71,
    },
    "private": {"person": "p-3f9a1c0b77d2e845", "face": "f-b1946ac92492d234", "photo": _HASH},
    "erased": False,
    "hash": _HASH,
    "state": "unconfirmed",
    "confirmations": [{"key": "77de3f9a1c0b", "agree": True, "time": "2027-01-31T12:03:00Z"}],
}


class Word(BaseModel):
    """What a key said about an event."""

    model_config = ConfigDict(extra="forbid")

    key: str
    agree: bool
    time: str


class Event(BaseModel):
    """An entry of the record; its hash covers the one before. ``details`` tell of nobody in particular.

    ``private`` is what tells of a person: opaque ids, and a keyed hash of the photo. It is null where there is no such
    thing, and where it was erased with the person.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EVENT]})

    id: str
    seq: int
    time: str
    key: str
    action: str = Field(description="identification, confirmation, request, use, erasure or let-go")
    about: str | None = Field(None, description="the event that it confirms or uses")
    collection: str | None = None
    details: dict[str, Any]
    private: dict[str, Any] | None = None
    erased: bool
    hash: str
    state: str | None = Field(None, description="unconfirmed, confirmed, rejected or used; null: needs no second key")
    confirmations: list[Word]


class EventPage(BaseModel):
    """Entries, the newest first."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_EVENT], "next_cursor": "A3v1…"}]}
    )

    items: list[Event]
    next_cursor: str | None = None


class Answer(BaseModel):
    """The word of a key."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"agree": True}]})

    agree: bool = Field(description="whether it is so, or is to be done")
