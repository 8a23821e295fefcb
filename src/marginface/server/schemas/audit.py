"""The audit: who did what to the gallery, and when."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_HEAD = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
_ENTRY: dict[str, Any] = {
    "seq": 41,
    "time": "2027-01-31T12:00:00Z",
    "actor": "key 3f9a1c0b77de",
    "action": "add-faces",
    "subject": {"collection": "c-5d0c9be1f2a34877", "person": "p-3f9a1c0b77d2e845", "faces": ["f-b1946ac92492d234"]},
    "hash": _HEAD,
}


class AuditEntry(BaseModel):
    """One entry; its hash covers the one before. ``subject`` holds opaque ids and counts, never a name."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_ENTRY]})

    seq: int
    time: str
    actor: str
    action: str
    subject: dict[str, Any]
    hash: str


class AuditPage(BaseModel):
    """Entries, the newest first."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_ENTRY], "next_cursor": "A3v1…"}]}
    )

    items: list[AuditEntry]
    next_cursor: str | None


class AuditCheck(BaseModel):
    """Whether the chain of hashes holds; ``head`` is the hash of the last entry: keep it elsewhere, and compare."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"ok": True, "entries": 41, "head": _HEAD, "findings": []}]}
    )

    ok: bool
    entries: int
    head: str
    findings: list[str] = Field(description="What is wrong, in words.")
