"""Evaluations as they are shown."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

_FIGURE: JsonDict = {
    "name": "accuracy",
    "value": 0.9943,
    "low": 0.992,
    "high": 0.996,
    "is_difference": False,
    "note": "",
}
_EVALUATION: dict[str, Any] = {
    "evaluation": "v-5a8f0c2e91b7d364",
    "place": "papers/sface",
    "kind": "suite",
    "name": "papers",
    "model": "sface",
    "state": "running",
    "message": "",
    "done": 1,
    "total": 2,
    "headline": [{"protocol": "LFW", **_FIGURE}],
    "has_report": False,
    "age_seconds": 4.2,
}
_PART: JsonDict = {
    "name": "LFW",
    "kind": "pairs",
    "state": "done",
    "figures": [_FIGURE],
    "facts": {"pairs": 6000, "variant": "insightface", "contract": "59b08417f911d62a"},
    "sentences": [],
    "images_done": None,
    "images": None,
}
_WAITING: JsonDict = {
    "name": "CFP-FP",
    "kind": "pairs",
    "state": "running",
    "figures": [],
    "facts": {},
    "sentences": [],
    "images_done": 640,
    "images": 7000,
}
_TABLE: JsonDict = {"table": "csv", "file": "results.csv", "bytes": 812}
_TRAINING: JsonDict = {
    "variant": "cosface",
    "seed": "0",
    "state": "finished",
    "message": "",
    "run": "r-3f9a1c0b77de52aa",
}


class Figure(BaseModel):
    """A figure: a share in [0, 1], or of ``is_difference`` one of two shares; its 95 % interval where one is known."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_FIGURE]})

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    is_difference: bool = Field(description="it is what one has more than another, in [−1, 1]")
    note: str = Field(description="what belongs to it, as a p-value")


class HeadlineFigure(Figure):
    """A figure with the protocol that it is of."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"protocol": "LFW", **_FIGURE}]})

    protocol: str


class Evaluation(BaseModel):
    """An evaluation, how far it is, and its first figures.

    One that cannot be read has the state unreadable, with the reason in ``message``.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EVALUATION]})

    evaluation: str = Field(description="opaque id")
    place: str = Field(description="the folder, or the file of numbers, below the folder that is shown")
    kind: str = Field(
        description="suite, comparison, sweep, pairs, templates, identify, …, calibration, audit, unreadable"
    )
    name: str
    model: str = Field(description="empty: several, or not said")
    state: str = Field(description="running, finished, stopped, unreadable")
    message: str
    done: int = Field(description="protocols of a suite, trainings of a comparison")
    total: int
    headline: list[HeadlineFigure] = Field(description="the first figures of each protocol, at most 12")
    has_report: bool
    age_seconds: float | None = Field(None, description="since it was written; null: nothing is written yet")


class EvaluationPage(BaseModel):
    """Evaluations by kind, then by where they are."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_EVALUATION], "next_cursor": "A3v1…"}]}
    )

    items: list[Evaluation]
    next_cursor: str | None


class Part(BaseModel):
    """A protocol of an evaluation; ``facts`` are what its file says in a word or a number."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_PART, _WAITING]})

    name: str
    kind: str
    state: str = Field(description="waiting, running, done, stopped")
    figures: list[Figure]
    facts: dict[str, str | int | float | bool | None]
    sentences: list[str] = Field(description="what the figures support")
    images_done: int | None = Field(None, description="while it runs")
    images: int | None = None


class Table(BaseModel):
    """A table that a command wrote, at GET /v1/evaluations/{evaluation}/tables/{table}."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_TABLE]})

    table: str
    file: str
    bytes: int


class Training(BaseModel):
    """A training of a comparison."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_TRAINING]})

    variant: str
    seed: str
    state: str = Field(description="waiting, running, interrupted, finished, diverged, failed")
    message: str
    run: str | None = Field(None, description="opaque id of its run; null: not begun")


class EvaluationDetails(Evaluation):
    """All figures of an evaluation."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{**_EVALUATION, "parts": [_PART, _WAITING], "tables": [_TABLE], "trainings": []}]
        },
    )

    parts: list[Part]
    tables: list[Table]
    trainings: list[Training]
