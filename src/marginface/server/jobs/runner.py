"""The thread of a worker that claims jobs, starts a process for each, and watches it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from marginface.errors import GalleryBusy, MarginfaceError
from marginface.gallery import GalleryKey
from marginface.server.jobs.claims import BEAT, Claim, Ending, JobLost, Signs, claim_next
from marginface.server.jobs.upkeep import Upkeep
from marginface.server.logs import places_in
from marginface.server.settings import VARIABLE, ServerSettings
from marginface.server.state import State

LOG = logging.getLogger("marginface.jobs")
_LOOK = 1.0  # seconds between two looks for a job
_GRACE = 15.0  # seconds for a process that was told to stop
_STALL = 900.0  # seconds without progress, after which a process counts as dead
_PAUSE = 0.1


@dataclass
class _Watched:
    """A process at work, and what is known of it."""

    process: subprocess.Popen[bytes]
    claim: Claim
    done: int = -1
    moved: float = field(default_factory=time.monotonic)
    told: float | None = None  # when it was told to stop
    beaten: float = 0.0

    def tell_to_stop(self) -> None:
        """Ask the process to stop; kill it if it was asked long ago."""
        if self.told is None:
            self.told = time.monotonic()
            with suppress(OSError):
                assert self.process.stdin is not None
                self.process.stdin.write(b"stop\n")
                self.process.stdin.flush()
        elif time.monotonic() - self.told > _GRACE:
            self.process.kill()

    def note(self, signs: Signs) -> None:
        """Note how far it is; kill it if it does not get on."""
        if signs.done != self.done:
            self.done, self.moved = signs.done, time.monotonic()
        elif time.monotonic() - self.moved > _STALL:
            self.process.kill()


class Runner:
    """Runs the jobs of a service, one at a time in this worker.

    Args:
        settings: Of the service.
        state: Its state.
        key: What wraps the keys of jobs.
        upkeep: What is done between jobs.
    """

    def __init__(self, settings: ServerSettings, state: State, key: GalleryKey, upkeep: Upkeep) -> None:
        self._settings = settings
        self._state = state
        self._key = key
        self._upkeep = upkeep
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin to look for jobs."""
        self._thread.start()

    def close(self) -> None:
        """Stop: a process that works finishes its piece and gives the job back."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_GRACE + 5)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._upkeep.tick()
                claim = claim_next(self._state, self._key, self._settings.limits.jobs)
                if claim is not None:
                    self._work(claim)
                    self._upkeep.sweep()
                    continue
            except (MarginfaceError, OSError) as error:  # others write, the disk is full …: it is tried again
                LOG.warning("jobs: %s", type(error).__name__)  # not what it says: that may hold a name
            except Exception as error:  # noqa: BLE001  (nobody is above this thread: without it no job is begun again)
                LOG.error("jobs: %s at %s", type(error).__name__, places_in(error.__traceback__))
            self._stop.wait(_LOOK)

    def _work(self, claim: Claim) -> None:
        """Let a process work at a job, and write what became of it."""
        watched = _Watched(self._started(claim), claim)
        try:
            while watched.process.poll() is None:
                if self._stop.is_set():
                    watched.tell_to_stop()
                if time.monotonic() - watched.beaten >= BEAT:
                    watched.beaten = time.monotonic()
                    self._beat(watched)
                time.sleep(_PAUSE)
            self._ended(watched)
        finally:
            watched.process.kill()
            watched.process.wait()
            assert watched.process.stdin is not None
            with suppress(OSError):
                watched.process.stdin.close()

    def _started(self, claim: Claim) -> subprocess.Popen[bytes]:
        environment = {**os.environ, VARIABLE: self._settings.model_dump_json()}
        command = [sys.executable, "-m", "marginface.server.jobs.child", claim.uid]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True)  # noqa: S603
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.write(f"{claim.holder}\n".encode())
            process.stdin.flush()
        LOG.info("job %s: process %d", claim.uid, process.pid)
        return process

    def _beat(self, watched: _Watched) -> None:
        try:
            signs = watched.claim.beat()
        except GalleryBusy:  # others write; the next one will do
            return
        except JobLost:  # it has just ended; or it was taken over, and what its process writes counts no more
            watched.tell_to_stop()
            return
        watched.note(signs)
        if signs.is_cancelled:
            watched.tell_to_stop()

    def _ended(self, watched: _Watched) -> None:
        """Give the job back, unless its process has written how it ended."""
        status = watched.process.returncode
        LOG.info("job %s: process ended with %d", watched.claim.uid, status)
        with suppress(JobLost):
            if status == Ending.STOPPED or (status < 0 and watched.told is not None):
                watched.claim.stopped()
            elif status != Ending.LOST:
                watched.claim.crashed(_how(status))


def _how(status: int) -> str:
    if status == Ending.BUSY:
        return "waited too long for others to write, and ended"
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"
