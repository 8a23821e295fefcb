"""What the service answers about itself, its jobs, events and runs: frozen values, checked when they come."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from marginface.client.photo_answers import Threshold

_ENDED = {"done", "failed", "cancelled"}


class Calibration(BaseModel, frozen=True):
    """The thresholds that the service decides by, by false-match rate from the largest on."""

    contract: str
    model: str
    data: str
    thresholds: tuple[Threshold, ...]


class Job(BaseModel, frozen=True):
    """Long work of the service: ``bool()`` says whether it is done.

    ``state`` is waiting (for its archive), queued, running, done, failed or cancelled. ``done`` and ``total`` count its
    photos or faces; ``total`` is None until it is known. ``message`` says why it failed, ``summary`` what came of it.
    """

    id: str
    kind: str
    state: str
    collection: str | None = None
    done: int = 0
    total: int | None = None
    message: str | None = None
    summary: dict[str, Any] = {}
    created: str = ""
    started: str | None = None
    finished: str | None = None

    def __bool__(self) -> bool:
        return self.state == "done"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in _ENDED


class Word(BaseModel, frozen=True):
    """What a key said about an event."""

    key: str
    agree: bool
    time: str


class Event(BaseModel, frozen=True):
    """An entry of the record of how a service is used; ``private`` tells of a person, and is erased with them.

    ``state`` is unconfirmed, confirmed, rejected or used; None where no second key is needed.
    """

    id: str
    time: str
    key: str
    action: str
    collection: str | None = None
    details: dict[str, Any] = {}
    private: dict[str, Any] | None = None
    erased: bool = False
    state: str | None = None
    confirmations: tuple[Word, ...] = ()
    hash: str = ""


class Limits(BaseModel, frozen=True):
    """What a request may cost."""

    body_bytes: int
    photo_bytes: int
    photos: int
    pixels: int
    per_minute: int
    archive_bytes: int


class Caller(BaseModel, frozen=True):
    """What the key is for; ``key`` is its id, None while the service is open to its machine. No collections: all."""

    key: str | None
    scopes: tuple[str, ...]
    collections: tuple[str, ...]


class About(BaseModel, frozen=True):
    """What a service is and allows."""

    name: str
    version: str
    contract: str
    embedding_size: int
    model: str
    limits: Limits
    caller: Caller
    options: dict[str, Any] = {}


class Run(BaseModel, frozen=True):
    """How far a training run is: running, finished, interrupted, diverged, failed, killed or unreadable (``state``)."""

    run: str
    folder: str
    has_report: bool
    state: str
    message: str = ""
    name: str | None = None
    loss: str | None = None
    backbone: str | None = None
    step: int = 0
    total_steps: int | None = None
    held_out_accuracy: float | None = None
    held_out_interval: tuple[float, float] | None = None
    held_out_pairs: int | None = None
    held_out_step: int | None = None
    age_seconds: float | None = None


class Checkpoint(BaseModel, frozen=True):
    """A checkpoint of a run."""

    name: str
    bytes: int


class RunEvent(BaseModel, frozen=True):
    """What happened to a run."""

    event: str
    step: int | None
    time: str | None
    message: str | None


class RunDetails(Run, frozen=True):
    """All that a run says, besides its curve; the recipe is TOML."""

    recipe: str
    checkpoints: tuple[Checkpoint, ...]
    events: tuple[RunEvent, ...]
    notes: tuple[str, ...]
    fingerprint: str | None


class CurvePoint(BaseModel, frozen=True):
    """The mean loss since the point before, and what was measured last since then, as shares."""

    step: int
    loss: float | None
    train_accuracy: float | None
    held_out: float | None


class Curve(BaseModel, frozen=True):
    """The curve of a run after a step; of a run that trains, ask again after ``step``."""

    state: str
    step: int
    total_steps: int | None
    points: tuple[CurvePoint, ...]
