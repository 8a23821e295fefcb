"""Collections: what they are, what they hold, whether they are whole."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from marginface.server.schemas.fields import Name

_UID = "c-5d0c9be1f2a34877"
_COLLECTION: dict[str, Any] = {
    "uid": _UID,
    "name": "staff",
    "contract": "0f3a5c7e9b1d2468",
    "embedding_size": 128,
    "rotated": False,
    "sealed_by": "9a41c0d2",
    "created": "2027-01-31T12:00:00Z",
    "people": 12,
    "faces": 31,
    "crops": 0,
}
_STATS: dict[str, Any] = {
    **_COLLECTION,
    "people_without_faces": 1,
    "faces_per_person": {"least": 1, "median": 2.0, "most": 6},
    "due": 0,
    "vector_bytes": 15872,
    "search": "exact: 31 faces",
}


class Collection(BaseModel):
    """A collection: people whose faces were embedded under one contract. Its opaque id stays when it is renamed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_COLLECTION]})

    uid: str
    name: str
    contract: str
    embedding_size: int
    rotated: bool = Field(description="Vectors are stored turned by a secret rotation.")
    sealed_by: str = Field(description="The id of the key that seals it, or 'open'.")
    created: str
    people: int
    faces: int
    crops: int


class CollectionPage(BaseModel):
    """Collections by name; all that the key may ask about."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_COLLECTION], "next_cursor": "A3v1c…"}]}
    )

    items: list[Collection]
    next_cursor: str | None


class NewCollection(BaseModel):
    """A collection to make, for the contract of the service's recognizer."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "visitors"}]})

    name: Name


class CollectionChange(BaseModel):
    """The new name of a collection."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "former staff"}]})

    name: Name


class FacesPerPerson(BaseModel):
    """Over the people with a face."""

    model_config = ConfigDict(extra="forbid")

    least: int
    median: float
    most: int


class CollectionStats(Collection):
    """How much a collection holds, and how it is searched. ``due``: people whose last day to be kept has passed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_STATS]})

    people_without_faces: int
    faces_per_person: FacesPerPerson
    due: int
    vector_bytes: int
    search: str


class CollectionCheck(BaseModel):
    """Whether every record of a collection opens and fits, and the search index of this worker is true."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"ok": True, "collection": _UID, "people": 12, "faces": 31, "findings": []}]},
    )

    ok: bool
    collection: str
    people: int
    faces: int
    findings: list[str]
