"""Erasure and export: what leaves a gallery."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from marginface.gallery.archives.envelope import SHORTEST_PASSPHRASE

LONGEST_PASSPHRASE = 1000
_RECEIPT: dict[str, Any] = {
    "complete": True,
    "gallery": "people.db",
    "collection": "c-5d0c9be1f2a34877",
    "action": "erase",
    "time": "2027-01-31T12:00:00Z",
    "people": ["p-3f9a1c0b77d2e845"],
    "faces": 2,
    "crops": 0,
    "files": [{"name": "people.db", "bytes": 90112, "traces": 0}],
    "log_emptied": True,
    "rewritten": False,
    "rows_left": 0,
    "audit_head": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    "notes": [],
    "left_in_index": "",
}


class SearchedFile(BaseModel):
    """A file that was searched byte by byte for what was erased; ``traces``: pieces that were found."""

    model_config = ConfigDict(extra="forbid")

    name: str
    bytes: int
    traces: int


class Receipt(BaseModel):
    """What an erasure removed and how that was verified. It names people by opaque ids alone, so that it can be kept.

    Where ``complete`` is false the people are gone from every answer, and something on the disk is left to do: see
    ``notes``.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_RECEIPT]})

    complete: bool
    gallery: str
    collection: str
    action: str
    time: str
    people: list[str]
    faces: int
    crops: int
    files: list[SearchedFile]
    log_emptied: bool
    rewritten: bool
    rows_left: int
    audit_head: str = Field(description="Hash of the audit's entry about it; GET /v1/audit/check?head= looks for it.")
    notes: list[str]
    left_in_index: str


class ExportRequest(BaseModel):
    """What is to be taken out, and the passphrase that seals it.

    Without a passphrase the archive is in clear, vectors, names and all: that needs scope templates besides.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"persons": ["p-3f9a1c0b77d2e845"], "passphrase": "correct horse battery staple"}]
        },
    )

    persons: list[str] | None = Field(
        None, min_length=1, max_length=10_000, description="By opaque id or name; null: everybody of the collection."
    )
    passphrase: str | None = Field(min_length=SHORTEST_PASSPHRASE, max_length=LONGEST_PASSPHRASE)
