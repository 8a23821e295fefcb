"""What a kind of job works with, in the process that does it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import cast

from pydantic import BaseModel

from marginface.gallery import Gallery
from marginface.pipeline import Recognizer
from marginface.server.decoding.decoder import Decoder
from marginface.server.jobs.archives import ArchiveLimits, Photos, open_archive
from marginface.server.jobs.claims import Claim
from marginface.server.jobs.kinds import KINDS
from marginface.server.jobs.records import Job
from marginface.server.jobs.spool import Spool
from marginface.server.recognizer import capped, load_recognizer
from marginface.server.settings import ServerSettings

_UNPACKED = 4  # times the largest archive: photos are packed already, and hardly shrink


class Stopped(Exception):
    """The process was told to stop: what it did so far is kept, and another one goes on."""


@dataclass(frozen=True)
class JobWork:
    """A job at work.

    Attributes:
        settings: Of the service.
        gallery: Opened, acting for the key that asked for the job.
        claim: What progress and the result are written by.
        job: As it was when this process began.
        spool: Where its archive is.
        stop: Set when the process is to stop.
    """

    settings: ServerSettings
    gallery: Gallery
    claim: Claim
    job: Job
    spool: Spool
    stop: threading.Event = field(default_factory=threading.Event)

    def do(self) -> None:
        """Do the job, as its kind does it."""
        kind = KINDS[self.job.kind]
        file, function = kind.does.split(".")
        does = cast("Callable[[JobWork, BaseModel], None]", getattr(import_module(f"{__package__}.{file}"), function))
        does(self, kind.wish.model_validate(self.job.settings))

    def check(self) -> None:
        """Raise Stopped if the process is to stop; called between two pieces of work."""
        if self.stop.is_set():
            raise Stopped

    def recognizer(self) -> Recognizer:
        """Return the recognizer of the service."""
        return capped(load_recognizer(self.settings), self.settings.limits.faces)

    @contextmanager
    def decoder(self) -> Iterator[Decoder]:
        """Give what decodes the photos of the archive: processes of their own, with the limits of the service."""
        decoder = Decoder(self.settings.limits)
        try:
            yield decoder
        finally:
            decoder.close()

    @contextmanager
    def photos(self) -> Iterator[Photos]:
        """Give the photos of the job's archive."""
        limits = self.settings.limits
        allowed = ArchiveLimits(limits.photo_bytes, _UNPACKED * limits.archive_bytes)
        with self.spool.opened(self.claim.upload(), self.claim.seal().passphrase) as stream:
            yield open_archive(stream, allowed)
