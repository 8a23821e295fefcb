"""The faces of a person, and what came of photos that were to be enrolled."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from marginface.server.schemas.fields import Name

_FACE: dict[str, Any] = {
    "uid": "f-b1946ac92492d234",
    "created": "2027-01-31T12:00:00Z",
    "photo": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "quality": {"inter_eye_distance": 71.2},
    "has_crop": False,
}
_LOOKALIKE: dict[str, Any] = {
    "person": "Bob Example",
    "uid": "p-77d2e8453f9a1c0b",
    "similarity": 0.61,
    "face": "f-2492d234b1946ac9",
}
_ENROLLED: dict[str, Any] = {
    "index": 0,
    "face": "f-b1946ac92492d234",
    "is_new": True,
    "codes": [],
    "reasons": [],
    "lookalikes": [],
}
_REJECTED: dict[str, Any] = {
    "index": 1,
    "codes": ["no_face"],
    "reasons": ["images[1]: no face found (not even a faint one, 0.60 is needed). Try a larger or sharper photo."],
    "lookalikes": [],
}


class Face(BaseModel):
    """A face without its vector. ``photo`` is the sha256 of the photo it was found in."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_FACE]})

    uid: str
    created: str
    photo: str
    quality: dict[str, float]
    has_crop: bool


class FacePage(BaseModel):
    """Faces of a person in the order they were added."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_FACE], "next_cursor": "A3v1c…"}]}
    )

    items: list[Face]
    next_cursor: str | None


class Lookalike(BaseModel):
    """Another person as similar as a search asks for. The name is null for a key without scope people."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_LOOKALIKE]})

    person: str | None
    uid: str | None
    similarity: float
    face: str


class EnrolledFace(BaseModel):
    """A photo that gave a face; not new: the person had this photo already."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_ENROLLED]})

    index: int = Field(description="Of the photo among 'images', from 0.")
    face: str
    is_new: bool
    codes: list[str]
    reasons: list[str]
    lookalikes: list[Lookalike]


class RejectedPhoto(BaseModel):
    """A photo that gave no face, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_REJECTED]})

    index: int = Field(description="Of the photo among 'images', from 0.")
    codes: list[str]
    reasons: list[str]
    lookalikes: list[Lookalike]


class Enrolment(BaseModel):
    """What came of each photo; some may be enrolled and others not."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "person": "p-3f9a1c0b77d2e845",
                    "contract": "0f3a5c7e9b1d2468",
                    "complete": False,
                    "faces": [_ENROLLED],
                    "rejected": [_REJECTED],
                    "remarks": [],
                }
            ]
        },
    )

    person: str
    contract: str
    complete: bool = Field(description="Whether the face of every photo is in the collection now.")
    faces: list[EnrolledFace]
    rejected: list[RejectedPhoto]
    remarks: list[str] = Field(description="On the whole, such as a threshold that could not be had.")


class FaceMove(BaseModel):
    """Whose the face is: by opaque id or name, in this collection or another one of the same contract."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"person": "p-77d2e8453f9a1c0b", "collection": "visitors"}]}
    )

    person: Name
    collection: Name | None = None
