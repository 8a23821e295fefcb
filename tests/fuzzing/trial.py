"""One try: a reader gets damaged bytes; only our own errors may come, in bounded time and memory."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from fuzzing.mutation import mutated
from fuzzing.readers import Reader
from marginface.errors import MarginfaceError

SECONDS = 60.0  # a file of some kilobytes takes milliseconds, and a busy machine is slow
MEGABYTES = 1_500  # that one file of some kilobytes may make the process grow by


class TooSlow(BaseException):
    """The reader did not come back; a BaseException, so that no reader takes it for damage."""


@dataclass(frozen=True)
class Fault:
    """What came instead of an answer or one of our errors: the place in our code, and the whole trace."""

    reader: str
    kind: str
    place: str
    content: bytes
    trace: str

    @property
    def key(self) -> str:
        return f"{self.kind} at {self.place}"


def tried(reader: Reader, folder: Path, content: bytes) -> Fault | None:
    """Let a reader read; return the fault, None if all is well."""
    before = _peak()
    try:
        with limited(SECONDS), roomed(MEGABYTES), warnings.catch_warnings(), silent():
            warnings.simplefilter("ignore")
            reader.read(folder, content)
    except MarginfaceError:
        pass
    except (Exception, TooSlow) as error:  # noqa: BLE001  # all else is a fault
        return Fault(reader.name, type(error).__name__, _place(error), content, traceback.format_exc())
    grown = _peak() - before
    return Fault(reader.name, "TooLarge", f"{grown:.0f} MB", content, "") if grown > MEGABYTES else None


def faults_of(
    reader: Reader, folder: Path, *, seed: int, seconds: float, most: int, before: Callable[[bytes], object] = len
) -> Iterator[tuple[int, Fault]]:
    """Yield the number of each damaged file that a reader trips over; ``before`` sees each file before the reader."""
    random, seeds = Random(f"{reader.name} {seed}"), reader.seeds(folder)
    with silent():
        for whole in seeds:  # imports what the reader needs, too: that takes longer than any file may
            reader.read(folder, whole)
    end = time.monotonic() + seconds
    for number in range(most):
        if time.monotonic() > end:
            return
        content = mutated(random, seeds, reader.mutations)
        before(content)
        fault = tried(reader, folder, content)
        if fault is not None:
            yield number, fault


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TooSlow in this thread after some seconds."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow

    old = signal.signal(signal.SIGALRM, ring)
    limit, _ = signal.setitimer(signal.ITIMER_REAL, seconds)  # that of the whole test
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
        signal.setitimer(signal.ITIMER_REAL, limit)


@contextmanager
def roomed(megabytes: int) -> Iterator[None]:
    """Let this process grow by so much and no more, on Linux: what asks for more gets a MemoryError."""
    if sys.platform != "linux":
        yield
        return
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (megabytes << 20), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextmanager
def silent() -> Iterator[None]:
    """Let libraries written in C say nothing: libtiff, libpng and FFmpeg write on file 2 itself."""
    saved = os.dup(2)
    with open(os.devnull, "w") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 2)
        try:
            with redirect_stderr(nothing):
                yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}marginface{os.sep}" in frame.filename]
    if not ours:
        return "outside"
    return f"{ours[-1].filename.rpartition('marginface' + os.sep)[2]}:{ours[-1].lineno}"
