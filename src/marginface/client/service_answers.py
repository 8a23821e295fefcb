"""What the service answers about itself, its jobs, events and runs: frozen values, checked when they come."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

_ENDED = {"done", "failed", "cancelled"}


class Rung(BaseModel, frozen=True):
    """A threshold of the calibration and its errors on the data; bounds are at 95 %."""

    fmr: float
    similarity: float
    fmr_low: float
    fmr_high: float
    false_matches: int
    false_non_matches: int | None = None
    fnmr_low: float | None = None
    fnmr_high: float | None = None


class Calibration(BaseModel, frozen=True):
    """Where the thresholds come from."""

    contract: str
    rungs: tuple[Rung, ...] = ()
    data: Any = None


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
