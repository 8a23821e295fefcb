"""A file, a camera or a stream by its name → frames, sampled by time."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from marginface.documents import whole_number
from marginface.errors import InputError, VideoError
from marginface.images import rgb_from_bgr
from marginface.video.frames import Capture, Frame, LatestSlot

_LIVE = re.compile(r"\d+|/dev/video\d+|(rtsps?|rtmp|https?|udp|tcp|srt)://.+")
_TEXTS = frozenset({".ans", ".art", ".asc", ".diz", ".ice", ".nfo", ".txt", ".vt"})  # FFmpeg films their letters
_USUAL_RATE = 25.0  # frames a second, for a file that does not say
_ASK = 0.1  # seconds after which a camera that gives nothing looks whether it is to stop
_WAIT = 5.0  # seconds for a camera's thread to end: a camera that hangs is left behind


def open_frames(source: str | Path, *, every: float = 0.2) -> VideoFile | Camera:
    """Return the frames of a source, at most one in ``every`` seconds; it is opened when they are asked for.

    Args:
        source: A video file; the number of a camera (``0``) or its device; or the address of a stream (``rtsp://…``).
        every: Seconds from one frame to the next; 0 takes every frame of a file, and all a camera gives that there is
            time for.

    Raises:
        InputError: ``every`` is below 0, there is no such file, or it is a folder.
    """
    if not (math.isfinite(every) and every >= 0):
        raise InputError(f"every is a number of seconds, 0 or more; got {every}")
    if _LIVE.fullmatch(str(source)):
        return Camera(str(source), every)
    if Path(source).is_dir():
        raise InputError(
            f"{source}: this is a folder; give one video or photo. For many photos: marginface gallery identify"
        )
    if not Path(source).is_file():
        raise InputError(f"{source}: no such file. A camera is named by its number: 0 is the first.")
    return VideoFile(Path(source), every)


@dataclass(frozen=True)
class VideoFile:
    """Frames of a file. Those that are left out are not decoded.

    Attributes:
        path: The file.
        every: Seconds from one frame to the next; 0: all.
    """

    path: Path
    every: float = 0.0
    _stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Let the iteration end; see Frames.stop."""
        self._stopped.set()

    @property
    def rate(self) -> float:
        """Frames a second, as the file says."""
        capture = self._open()
        try:
            return _rate(capture)
        finally:
            capture.release()

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames.

        Raises:
            VideoError: This is no video, or one that OpenCV cannot decode.
        """
        capture = self._open()
        try:
            yield from self._frames(capture)
        finally:
            capture.release()

    def _open(self) -> cv2.VideoCapture:
        if self.path.suffix.lower() in _TEXTS:
            raise self._unreadable()
        capture = cv2.VideoCapture(str(self.path))
        if not capture.isOpened():
            raise self._unreadable()
        return capture

    def _frames(self, capture: Capture) -> Iterator[Frame]:
        due, decoded = 0.0, 0
        for number, seconds in _times(capture):
            if self._stopped.is_set():
                return
            if seconds < due:
                continue
            readable, picture = capture.retrieve()
            if readable and picture is not None:  # else one broken frame: the next may be whole
                decoded += 1
                due = _next(seconds, self.every)
                yield Frame(rgb_from_bgr(picture), seconds, number)
        if not decoded:
            raise self._unreadable()

    def _unreadable(self) -> VideoError:
        return VideoError(
            f"{self.path}: not a video, or in a codec that this OpenCV lacks. It reads what its FFmpeg reads; try to "
            "convert the file: ffmpeg -i FILE -c:v libx264 new.mp4"
        )


def _times(capture: Capture) -> Iterator[tuple[int, float]]:
    """Go from frame to frame: number and time. A file that does not say the time has that of its rate."""
    rate, before, number = _rate(capture), -1.0, 0
    while capture.grab():
        seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if not seconds > before:
            seconds = max(number / rate, before)
        yield number, seconds
        before, number = seconds, number + 1


def _rate(capture: Capture) -> float:
    rate = capture.get(cv2.CAP_PROP_FPS)
    return rate if math.isfinite(rate) and 0 < rate < 1000 else _USUAL_RATE


def _next(seconds: float, every: float) -> float:
    """Return when the next frame is due: on the grid of ``every``, so that errors do not add up."""
    return (math.floor(seconds / every + 1e-6) + 1) * every - 1e-6 if every else seconds


def _open_capture(source: str) -> cv2.VideoCapture:
    return cv2.VideoCapture(source if (number := whole_number(source)) is None else number)


@dataclass(frozen=True)
class Camera:
    """The newest frames of a camera or stream: a thread reads all, so that none waits in a buffer and lag cannot grow.

    Attributes:
        name: Number, device or address.
        every: Seconds from one frame to the next at least.
        capture: Opens it; another one for tests.
    """

    name: str
    every: float = 0.2
    capture: Callable[[str], Any] = _open_capture
    _stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Let the iteration end; see Frames.stop."""
        self._stopped.set()

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames until ``stop``.

        Raises:
            VideoError: There is no such camera, or it gives no frames any more.
        """
        capture = self.capture(self.name)
        if not capture.isOpened():
            raise VideoError(_no_camera(self.name))
        slot: LatestSlot[Frame] = LatestSlot()
        ended = threading.Event()
        reader = threading.Thread(target=_read, args=(capture, slot, ended), name="camera", daemon=True)
        reader.start()
        try:
            yield from self._newest(slot)
        finally:
            ended.set()
            reader.join(_WAIT)
        if not self._stopped.is_set():
            raise VideoError(f"{self.name}: gives no frames any more. Is it still plugged in and reachable?")

    def _newest(self, slot: LatestSlot[Frame]) -> Iterator[Frame]:
        due = 0.0
        while not (self._stopped.is_set() or slot.is_over):
            frame = slot.take(_ASK)
            if frame is not None and frame.seconds >= due:
                due = frame.seconds + self.every
                yield Frame(rgb_from_bgr(frame.image), frame.seconds, frame.number)


def _read(capture: Capture, slot: LatestSlot[Frame], ended: threading.Event) -> None:
    """Put every frame of a camera into the slot, BGR as it comes, until it ends or is ended; then close both."""
    start, number = time.monotonic(), 0
    while not ended.is_set() and capture.grab():
        readable, picture = capture.retrieve()
        if readable and picture is not None:
            slot.put(Frame(picture, time.monotonic() - start, number))
        number += 1
    slot.close()
    capture.release()


def _no_camera(name: str) -> str:
    if "://" in name:
        return f"{name}: cannot open this stream. Check address, user and password, and that a player can show it."
    devices = sorted(str(path) for path in Path("/dev").glob("video*"))
    known = f"Cameras here: {', '.join(devices)}." if devices else "There is no camera on this machine."
    return f"camera {name}: none there, in use by another program, or not readable by you. {known}"
