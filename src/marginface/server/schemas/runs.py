"""Training runs as they are shown."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

_RUN: dict[str, Any] = {
    "run": "r-3f9a1c0b77de52aa",
    "folder": "papers/x2softmax",
    "has_report": True,
    "state": "finished",
    "message": "",
    "name": "x2softmax",
    "loss": "x2softmax",
    "backbone": "resnet18",
    "step": 3144,
    "total_steps": 3144,
    "held_out_accuracy": 0.91,
    "held_out_interval": [0.891, 0.926],
    "held_out_pairs": 1000,
    "held_out_step": 3144,
    "age_seconds": 86400.0,
}
_CHECKPOINT: JsonDict = {"name": "step-3144", "bytes": 45_000_000}
_EVENT: JsonDict = {"event": "failed", "step": 400, "time": "2026-11-28T18:11:29+00:00", "message": "the disk is full"}
_POINT: JsonDict = {"step": 3144, "loss": 7.161, "train_accuracy": 0.72, "held_out": 0.91}


class Run(BaseModel):
    """How far a run is. One that cannot be read has the state unreadable, with the reason in ``message``."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_RUN]})

    run: str = Field(description="opaque id")
    folder: str = Field(description="where it is below the folder that is shown")
    has_report: bool
    state: str = Field(description="running, finished, interrupted, diverged, failed, killed, unreadable")
    message: str = ""
    name: str | None = None
    loss: str | None = None
    backbone: str | None = None
    step: int = 0
    total_steps: int | None = None
    held_out_accuracy: float | None = None
    held_out_interval: list[float] | None = Field(None, description="95 %")
    held_out_pairs: int | None = None
    held_out_step: int | None = None
    age_seconds: float | None = Field(None, description="since it moved")


class RunPage(BaseModel):
    """Runs by where they are."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_RUN], "next_cursor": "A3v1…"}]}
    )

    items: list[Run]
    next_cursor: str | None


class Checkpoint(BaseModel):
    """A checkpoint of a run."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_CHECKPOINT]})

    name: str
    bytes: int


class RunEvent(BaseModel):
    """What happened to a run."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EVENT]})

    event: str
    step: int | None
    time: str | None
    message: str | None


class RunDetails(Run):
    """All that a run folder says, besides its curve. The recipe is TOML, and names the folders it was trained on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    **_RUN,
                    "recipe": 'name = "x2softmax"\n',
                    "checkpoints": [_CHECKPOINT],
                    "events": [_EVENT],
                    "notes": [],
                    "fingerprint": "6d5a7b26",
                }
            ]
        },
    )

    recipe: str
    checkpoints: list[Checkpoint]
    events: list[RunEvent]
    notes: list[str]
    fingerprint: str | None = Field(description="of what it was trained on")


class CurvePoint(BaseModel):
    """The mean loss since the point before, and what was measured last since then, as shares."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_POINT]})

    step: int
    loss: float | None
    train_accuracy: float | None
    held_out: float | None


class RunCurve(BaseModel):
    """The curve of a run after a step."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"state": "finished", "step": 3144, "total_steps": 3144, "points": [_POINT]}],
        },
    )

    state: str
    step: int = Field(description="how many the journal has")
    total_steps: int | None
    points: list[CurvePoint]


class Ticket(BaseModel):
    """The right to see one report for so many seconds, at GET /v1/reports/{report}."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"ticket": "1795891234.9f86d081884c7d65", "seconds": 60}]}
    )

    ticket: str
    seconds: int
