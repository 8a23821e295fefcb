"""Who of a collection is in a photo."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from marginface.server.schemas.faces import Lookalike
from marginface.server.schemas.photos import CueAnswer, Decided, FaceAnswer

_CANDIDATE = {"person": "Ann Example", "uid": "p-3f9a1c0b77d2e845", "similarity": 0.71, "face": "f-b1946ac92492d234"}
_FACE: dict[str, Any] = {
    "box": [68.72, 53.64, 179.54, 211.44],
    "landmarks": [[101.2, 121.8], [152.3, 120.9], [126.7, 150.9], [106.7, 174.1], [148.6, 174.1]],
    "score": 0.928,
    "quality": {"inter_eye_distance": {"value": 51.14, "score": 28}},
    "usable": True,
    "decision": "match",
    "person": "Ann Example",
    "uid": "p-3f9a1c0b77d2e845",
    "candidates": [_CANDIDATE],
    "reasons": [],
    "codes": [],
    "event": "e-5d0c9be1f2a34877",
    "confirmation": "unconfirmed",
}
_ANSWER: dict[str, Any] = {
    "photo": "this photo",
    "decision": "match",
    "faces": [_FACE],
    "fpir": 0.01,
    "comparisons": 31,
    "threshold": 0.42,
    "fmr": 0.00032,
    "fmr_bounds": [0.00029, 0.00036],
    "threshold_data": "LFW and CFP (frontal and profile): 13,741 photos of 4,637 people",
    "threshold_impostor_pairs": 53145522,
    "uncertain_threshold": 0.36,
    "uncertain_fmr": 0.001,
    "contract": "59b08417f911d62a",
    "calibration": {
        "similarity": 0.42,
        "fmr": 0.00032,
        "fmr_bounds": [0.00029, 0.00036],
        "fnmr": 0.02,
        "fnmr_bounds": [0.015, 0.025],
        "fpir": 0.01,
        "size": 31,
        "impostor_pairs": 53145522,
        "data": "LFW and CFP (frontal and profile): 13,741 photos of 4,637 people",
    },
    "reasons": [],
    "codes": [],
}


class IdentifiedFaceAnswer(FaceAnswer):
    """A face and who it is. The candidates are the people most like it, whether or not they reach the threshold."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_FACE]})

    quality: dict[str, CueAnswer]
    usable: bool
    decision: str = Field(description="match, no match, or cannot tell")
    person: str | None = Field(description="null unless it is a match: nobody is made up")
    uid: str | None = Field(description="the opaque id of that person")
    candidates: list[Lookalike]
    reasons: list[str]
    codes: list[str]
    event: str | None = Field(description="its entry in the record of events; null without a record")
    confirmation: str | None = Field(
        description="unconfirmed: a match that two keys have to confirm before anything follows from it"
    )


class IdentificationAnswer(Decided):
    """Who of a collection the faces of a photo are, largest face first."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_ANSWER]})

    photo: str
    decision: str = Field(description="match if any face is one; cannot tell; no match")
    faces: list[IdentifiedFaceAnswer]
    fpir: float = Field(description="how often a search of a stranger may find anybody")
    comparisons: int = Field(description="the faces that each face was compared with: the threshold is for so many")
