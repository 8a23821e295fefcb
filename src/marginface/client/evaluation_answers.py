"""Evaluations as the service tells them: frozen values, checked when they come."""

from __future__ import annotations

from pydantic import BaseModel


class Figure(BaseModel, frozen=True):
    """A share in [0, 1], or of ``is_difference`` one of two shares, with its 95 % interval where one is known."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    is_difference: bool
    note: str


class HeadlineFigure(Figure, frozen=True):
    """A figure with the protocol that it is of."""

    protocol: str


class Evaluation(BaseModel, frozen=True):
    """An evaluation: ``state`` is running, finished, stopped or unreadable, with the reason in ``message``.

    ``done`` and ``total`` count the protocols of a suite, or the trainings of a comparison.
    """

    evaluation: str
    place: str
    kind: str
    name: str
    model: str
    state: str
    message: str
    done: int
    total: int
    headline: tuple[HeadlineFigure, ...]
    has_report: bool
    age_seconds: float | None = None


class ProtocolPart(BaseModel, frozen=True):
    """A protocol of an evaluation: waiting, running (so many of its images), done or stopped."""

    name: str
    kind: str
    state: str
    figures: tuple[Figure, ...]
    facts: dict[str, str | int | float | bool | None]
    sentences: tuple[str, ...]
    images_done: int | None = None
    images: int | None = None


class ResultTable(BaseModel, frozen=True):
    """A table that the command wrote: csv, json or tex; toml of a calibration."""

    table: str
    file: str
    bytes: int


class ComparedTraining(BaseModel, frozen=True):
    """A training of a comparison; ``run`` is its id among ``Client.runs``, None before it begins."""

    variant: str
    seed: str
    state: str
    message: str
    run: str | None = None


class EvaluationDetails(Evaluation, frozen=True):
    """All figures of an evaluation."""

    parts: tuple[ProtocolPart, ...]
    tables: tuple[ResultTable, ...]
    trainings: tuple[ComparedTraining, ...]
