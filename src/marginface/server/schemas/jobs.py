"""Long work."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_JOB: dict[str, Any] = {
    "id": "j-5d0c9be1f2a34877",
    "kind": "enrol",
    "state": "running",
    "stopping": False,
    "collection": "staff",
    "key": "3f9a1c0b77de",
    "created": "2027-01-31T12:00:00Z",
    "started": "2027-01-31T12:00:09Z",
    "finished": None,
    "expires": None,
    "done": 320,
    "total": 1250,
    "crashes": 0,
    "message": None,
    "summary": {},
}
_ITEM: dict[str, Any] = {
    "person": "Ann",
    "photo": "Ann/1.jpg",
    "outcome": "enrolled",
    "face": "f-b1946ac92492d234",
    "codes": [],
}
ENROL = {"kind": "enrol", "collection": "staff", "consent": "signed 2027-01-12", "retain_until": "2029-12-31"}


class Job(BaseModel):
    """A job. ``summary`` says in numbers what came of it, once it is done; its items are at …/result."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_JOB]})

    id: str
    kind: str = Field(description="enrol, cluster, migrate or purge")
    state: str = Field(description="waiting (for its archive), queued, running, done, failed or cancelled")
    stopping: bool = Field(description="it was cancelled, and finishes the piece it is at")
    collection: str | None = Field(None, description="its name, or its opaque id once it is gone")
    key: str = Field(description="the id of the key that asked")
    created: str
    started: str | None = None
    finished: str | None = None
    expires: str | None = Field(None, description="when it is deleted, with its result")
    done: int
    total: int | None = Field(None, description="null until it is known")
    crashes: int = Field(description="how often its process ended by itself, and another went on")
    message: str | None = Field(None, description="why it failed")
    summary: dict[str, Any]


class JobPage(BaseModel):
    """Jobs, the newest first."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_JOB], "next_cursor": "A3v1…"}]}
    )

    items: list[Job]
    next_cursor: str | None = None


class JobResult(BaseModel):
    """What came of a job: photos of an import, groups of a clustering, people who lack faces, receipts."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"job": _JOB, "items": [_ITEM], "next_cursor": None}]},
    )

    job: Job
    items: list[dict[str, Any]]
    next_cursor: str | None = None
