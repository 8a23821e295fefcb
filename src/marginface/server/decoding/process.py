"""One decoding process (program.py) and the pipes to it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from marginface.errors import MarginfaceError
from marginface.server.decoding.program import ANSWER, IMAGE, LONGEST_TEXT, READY, REFUSED, REQUEST, TOO_LARGE
from marginface.server.settings import Limits
from marginface.values import ImageArray

Why = Literal["too_large", "unreadable", "slow", "crashed"]  # a photo was not decoded

PROGRAM = ("-m", "marginface.server.decoding.program")
_START = 60.0  # seconds for a process to be ready
_PIECE = 1 << 20
_FAULTS: dict[bytes, Why] = {REFUSED: "unreadable", TOO_LARGE: "too_large"}
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a photo was not decoded, in words that do not name it."""

    why: Why
    said: str


class DecoderGone(MarginfaceError):
    """A decoding process has died, or answers what no decoder of ours does."""


class NoDecoder(MarginfaceError):
    """No decoding process starts here: it is not the photo's fault."""


class DecoderProcess:
    """A process that decodes one photo after the other; made when it is needed.

    Raises:
        NoDecoder: The machine gives no process.
    """

    def __init__(self, limits: Limits) -> None:
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        try:
            self._process = subprocess.Popen(  # noqa: S603
                command_of(limits), stdin=pipe, stdout=pipe, stderr=nothing, env=_environment(os.environ), bufsize=0
            )
        except OSError as error:
            raise NoDecoder(f"no process can be started: {error.strerror}") from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests = self._process.stdin.fileno()
        self._answers = self._process.stdout.fileno()
        for place in (self._requests, self._answers):
            os.set_blocking(place, False)
        self.photos = 0

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def decode(self, content: bytes, limits: Limits) -> ImageArray | Fault:
        """Return a photo as RGB uint8 (H, W, 3), or what the process says of it.

        Raises:
            NoDecoder: It was never ready; the process is of no use, like after the next two.
            TimeoutError: It takes longer than the limits allow.
            DecoderGone: It has died.
        """
        if not self.photos:
            self._begin()
        self.photos += 1
        until = time.monotonic() + limits.decode_seconds
        self._send(REQUEST.pack(limits.pixels, len(content)), until)
        self._send(content, until)
        kind, height, width = self._answer(until, IMAGE, *_FAULTS)
        if kind == IMAGE and 0 < height * width <= limits.pixels:
            image = np.empty((height, width, 3), np.uint8)
            self._receive(image.data.cast("B"), until)
            return image
        if kind == IMAGE or width > LONGEST_TEXT:
            raise DecoderGone("it answers more than was asked for")
        text = bytearray(width)
        self._receive(memoryview(text), until)
        return Fault(_FAULTS[kind], text.decode("utf-8", "replace"))

    def kill(self) -> None:
        """Kill the process, whatever it is at; who waits for its answer is told that it has gone."""
        self._process.kill()

    def end(self) -> None:
        """Kill the process and close the pipes; for who uses it alone."""
        self.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _begin(self) -> None:
        """Wait until the process is ready."""
        try:
            self._answer(time.monotonic() + _START, READY)
        except (TimeoutError, DecoderGone):
            self.kill()
            raise NoDecoder(f"a decoder ended before it was ready, with status {self._process.wait()}") from None

    def _answer(self, until: float, *expected: bytes) -> tuple[bytes, int, int]:
        head = bytearray(ANSWER.size)
        self._receive(memoryview(head), until)
        kind, first, second = ANSWER.unpack(head)
        if kind not in expected:
            raise DecoderGone("it answers what no decoder does")
        return kind, first, second

    def _send(self, content: bytes, until: float) -> None:
        view = memoryview(content)
        while view:
            _wait(self._requests, select.POLLOUT, until)
            try:
                view = view[os.write(self._requests, view[:_PIECE]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise DecoderGone(f"it reads no more: {error}") from None

    def _receive(self, view: memoryview, until: float) -> None:
        """Fill a view with what the process writes."""
        while view:
            _wait(self._answers, select.POLLIN, until)
            try:
                count = os.readv(self._answers, [view[:_PIECE]])
            except BlockingIOError:
                continue
            if not count:
                raise DecoderGone("it has ended")
            view = view[count:]


def command_of(limits: Limits) -> list[str]:
    """Return what starts a decoding process."""
    return [sys.executable, "-P", *PROGRAM, str(limits.decode_memory), str(2 * limits.decode_seconds)]


def _wait(place: int, what: int, until: float) -> None:
    """Wait until a pipe can be read or written; raise TimeoutError when it is too late."""
    asked = select.poll()
    asked.register(place, what)
    left = until - time.monotonic()
    if left <= 0 or not asked.poll(1000 * left):
        raise TimeoutError


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Return what a decoder may know: where programs and modules are, and no key or password of ours."""
    places = [ours.get("PYTHONPATH", ""), *sys.path]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    kept = {name: ours[name] for name in _KEPT if name in ours}
    return {**kept, **one_thread, "PYTHONPATH": os.pathsep.join(place for place in places if place)}
