"""What is told of a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from marginface.errors import MarginfaceError


class WrongState(MarginfaceError):
    """A job is not in the state that a verb needs; the message says in which it is."""


@dataclass(frozen=True, slots=True)
class Places:
    """How many jobs, or archives, may wait: of all, and of one key, so that one leaves room to others."""

    of_all: int
    of_one: int

    def require(self, all_there: int, own_there: int, what: str) -> None:
        """Raise TooManyJobs if there are as many already."""
        if all_there >= self.of_all:
            raise TooManyJobs(f"{self.of_all} {what} wait already; cancel some, or come again later")
        if own_there >= self.of_one:
            raise TooManyJobs(f"{self.of_one} {what} of your key wait already; cancel some, or come again later")


class AlreadySending(MarginfaceError):
    """Who sends an archive sends another one already; come again when that is there."""

    retry_after = 10


class TooManyJobs(MarginfaceError):
    """So many jobs or archives wait already that another one is not taken; come again later."""

    retry_after = 60


class JobState(Enum):
    """Where a job is; the value is what JSON holds."""

    WAITING = "waiting"  # for its archive
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Times:
    """When a job was made, first begun, ended, and when it is deleted with its result; empty: not yet."""

    created: str
    started: str = ""
    finished: str = ""
    expires: str = ""

    def to_dict(self) -> dict[str, str | None]:
        """Return plain values for JSON."""
        return {
            "created": self.created,
            "started": self.started or None,
            "finished": self.finished or None,
            "expires": self.expires or None,
        }


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a process ended without finishing: at the place where the job is now, and in all."""

    here: int = 0
    in_all: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """A job, as it was when asked for.

    Attributes:
        number: In the order they were made.
        uid: Its opaque id.
        kind: enrol, cluster, migrate or purge.
        collection: The opaque id of the collection it works at; empty: none, or all.
        asked_by: The id of the key that asked for it.
        done: Photos, faces or the like that it is done with.
        total: Of how many; 0: not known yet.
        tries: How often its process ended without finishing.
        is_stopping: It was cancelled and still runs.
        message: Why it failed; empty if it did not.
        summary: What came of it in numbers; empty while it runs.
        settings: What was asked for.
    """

    number: int
    uid: str
    kind: str
    state: JobState
    collection: str
    asked_by: str
    times: Times
    done: int
    total: int
    tries: Tries
    is_stopping: bool
    message: str = ""
    summary: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "id": self.uid,
            "kind": self.kind,
            "state": self.state.value,
            "stopping": self.is_stopping and not self.state.is_over,
            "collection": self.collection or None,
            "key": self.asked_by,
            **self.times.to_dict(),
            "done": self.done,
            "total": self.total or None,
            "crashes": self.tries.in_all,
            "message": self.message or None,
            "summary": self.summary,
        }
