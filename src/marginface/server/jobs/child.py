"""The process that works at one job: ``python -m marginface.server.jobs.child JOB``, started by a worker's runner.

It dies with its parent: standard input is a pipe from there, whose first line is the holder's word; its end means that
the parent is gone. A line ``stop`` asks it to stop at the next piece of work. It is less important than the workers to
the scheduler and to a system that is out of memory, and leaves no core file, which would hold faces.
"""

from __future__ import annotations

import logging
import os
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from marginface.errors import GalleryBusy, MarginfaceError
from marginface.gallery import Gallery
from marginface.server.discretion import told
from marginface.server.jobs.claims import Claim, Ending, JobLost
from marginface.server.jobs.sealing import job_key
from marginface.server.jobs.spool import Spool
from marginface.server.jobs.work import JobWork, Stopped
from marginface.server.logs import log_to_stderr, places_in
from marginface.server.settings import ServerSettings, handed_over
from marginface.server.state import open_state
from marginface.server.state.places import spool_folder, state_address

LOG = logging.getLogger("marginface.jobs")


def main(uid: str) -> int:
    """Work at a job until it is over; return the exit status."""
    lines, stop = _lines(), threading.Event()
    holder = next(lines, "")
    threading.Thread(target=_listen, args=(lines, stop), daemon=True).start()
    settings = handed_over()
    with open_state(state_address(settings.gallery)) as state:
        try:
            with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
                key = job_key(gallery, settings.key_file, state)
                return _worked(settings, gallery, Claim(state, key, uid, holder), stop)
        except GalleryBusy:
            return Ending.BUSY


def _worked(settings: ServerSettings, gallery: Gallery, claim: Claim, stop: threading.Event) -> int:
    try:
        job = claim.job()
        acting = gallery.acting(f"job {job.uid} for {job.asked_by}")
        JobWork(settings, acting, claim, job, Spool(spool_folder(settings.gallery)), stop).do()
    except Stopped:
        return Ending.STOPPED
    except JobLost:
        return Ending.LOST
    except GalleryBusy:
        raise
    except MarginfaceError as error:
        with suppress(JobLost):
            claim.fail(told(error, gallery))
    return 0


def _listen(lines: Iterator[str], stop: threading.Event) -> None:
    """Stop when the parent says so, and die with it."""
    for line in lines:
        if line == "stop":
            stop.set()
    os._exit(Ending.LOST)


def _lines() -> Iterator[str]:
    """Give the lines of standard input, unbuffered: a thread that waits in a buffer keeps the process from ending."""
    waiting = b""
    while part := os.read(0, 4096):
        *whole, waiting = (waiting + part).split(b"\n")
        yield from (line.decode().strip() for line in whole)


def _confine() -> None:
    """Leave no core file, and be the first to yield and to go."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def _say_where(kind: type[BaseException], _: BaseException, trace: TracebackType | None) -> None:
    """Log where a bug of ours happened, not what it said: a message may hold a name."""
    LOG.error("job %s: %s at %s", sys.argv[-1], kind.__name__, places_in(trace))


if __name__ == "__main__":
    log_to_stderr()
    sys.excepthook = _say_where
    _confine()
    sys.exit(main(sys.argv[1]))
