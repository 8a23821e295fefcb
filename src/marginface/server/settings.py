"""What a service was told at its start: frozen, and handed to every worker as JSON."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from marginface.defaults import DEFAULT_ENGINE, DEFAULT_MIN_SCORE, DEFAULT_MODEL
from marginface.errors import InputError
from marginface.registry import near_names
from marginface.server.defaults import (
    DEFAULT_HOST,
    DEFAULT_KEEP_EVENTS,
    DEFAULT_PORT,
    DEFAULT_PROCESSES,
    DEFAULT_PURGE_EVERY,
)

Verb = Literal["identify", "erase", "export"]  # what may need the word of a second key

VARIABLE = "MARGINFACE_SERVER"  # of the environment: the settings for the workers
_MB = 1 << 20
_CENTURY = 36_525  # days; what is further away has no date


class Limits(BaseModel):
    """What one request may cost, checked before anything is decoded.

    Attributes:
        body_bytes: Of a whole request.
        bodies_bytes: Of all bodies that a worker holds at once; the next one is told to come again (503).
        photo_bytes: Of one photo.
        photos: In one request.
        pixels: Width × height of a photo, by its header.
        faces: In one photo, or in all that are compared with each other.
        decode_seconds: For decoding a photo; the process that does it is killed then.
        decode_memory: Bytes that a decoding process may have.
        decoders: Decoding processes of a worker.
        running: Requests that a worker computes at once.
        waiting: Requests that may wait for that, keys in turn; the next one, or the last of the key that has most, is
            told to come again (503).
        per_minute: Requests of a key in a minute, unless it was made with a number of its own (429).
        header_seconds: From a connection to its request's last header.
        body_seconds: From there to the last byte of the body.
        connections: Open connections of a worker: the one that is silent for longest makes room; where all ask, 503.
        archive_bytes: Of an archive for a job.
        archive_rate: Bytes in a second that an archive comes with at least, on average, after ``body_seconds``.
        jobs: That run at once, in all workers.
        open_jobs: That may wait for their archive or their turn.
        archives: That may lie on the disk until their job is over.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: int = Field(default=32 * _MB, ge=1024)
    bodies_bytes: int = Field(default=512 * _MB, ge=1024)
    photo_bytes: int = Field(default=16 * _MB, ge=1024)
    photos: int = Field(default=16, ge=2)
    pixels: int = Field(default=40_000_000, ge=10_000)
    faces: int = Field(default=500, ge=1)
    decode_seconds: float = Field(default=10.0, gt=0)
    decode_memory: int = Field(default=2048 * _MB, ge=256 * _MB)
    decoders: int = Field(default=2, ge=1)
    running: int = Field(default=2, ge=1)
    waiting: int = Field(default=32, ge=0)
    per_minute: int = Field(default=600, ge=1)
    header_seconds: float = Field(default=10.0, gt=0)
    body_seconds: float = Field(default=60.0, gt=0)
    connections: int = Field(default=1000, ge=1)
    archive_bytes: int = Field(default=2048 * _MB, ge=1024)
    archive_rate: int = Field(default=128 << 10, ge=1)
    jobs: int = Field(default=1, ge=1)
    open_jobs: int = Field(default=200, ge=1)
    archives: int = Field(default=8, ge=1)


class ServerSettings(BaseModel):
    """All settings of a service.

    Attributes:
        gallery: Its address: a file, postgresql:// or qdrant://.
        key_file: The gallery's key; None: where 'marginface gallery' looks.
        model: What embeds: a registered name, an .onnx file or its card, a run folder.
        calibration: A file of thresholds; None: the shipped ones.
        host: The address to bind.
        names: Host names by which it may be asked; on loopback those of loopback besides.
        proxies: Addresses of proxies whose X-Forwarded-For and -Proto are believed; by default nobody's are.
        workers: Processes.
        runs: A folder of training runs to show; None: none is shown.
        certificate, certificate_key: Files for TLS; None: HTTP, for loopback or behind a proxy.
        events: Keep a record of each identification.
        keep_events: Days that the record goes back.
        two_person: What needs the word of a second key.
        purge_every: Hours between two erasures of who is past the last day; 0: never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    gallery: str
    key_file: Path | None = None
    model: str = DEFAULT_MODEL
    mirror: bool = False
    min_score: float = Field(default=DEFAULT_MIN_SCORE, gt=0, lt=1)
    engine: str = DEFAULT_ENGINE
    calibration: Path | None = None
    host: str = DEFAULT_HOST
    port: int = Field(default=DEFAULT_PORT, ge=1, le=65535)
    names: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    workers: int = Field(default=DEFAULT_PROCESSES, ge=1, le=256)
    runs: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None
    events: bool = False
    keep_events: int = Field(default=DEFAULT_KEEP_EVENTS, ge=1, le=_CENTURY)
    two_person: tuple[Verb, ...] = ()
    purge_every: float = Field(default=DEFAULT_PURGE_EVERY, ge=0, le=24 * _CENTURY)
    limits: Limits = Limits()

    def hand_over(self) -> None:
        """Put the settings where a worker process finds them."""
        os.environ[VARIABLE] = self.model_dump_json()


def checked(values: dict[str, object]) -> ServerSettings:
    """Return settings from plain values; raise InputError that names the first wrong one."""
    try:
        return ServerSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden" and first["loc"][0] == "limits":
            known = list(Limits.model_fields)
            said = near_names(str(first["loc"][1]), known)
            raise InputError(f"{name}: there is no such limit. {said}Known: {', '.join(known)}") from None
        raise InputError(f"{name}: {first['msg']}; got {first['input']!r}") from None


def handed_over() -> ServerSettings:
    """Return the settings that this worker was given; raise InputError where there are none."""
    said = os.environ.get(VARIABLE, "")
    if not said:
        raise InputError(f"${VARIABLE} is empty: a worker is started by 'marginface serve', not by itself")
    return ServerSettings.model_validate_json(said)
