"""What a video is here: frames with their time. And the slot that keeps only the newest."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from marginface.values import ImageArray

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture of a video, RGB uint8 (H, W, 3), its time from the start, and its number, left-out frames counted."""

    image: ImageArray
    seconds: float
    number: int


class Frames(Protocol):
    """Where frames come from: VideoFile, Camera."""

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames in the order of time; raise VideoError where no more can be had."""
        ...

    def stop(self) -> None:
        """Let the iteration end after the present frame; from any thread, or a signal handler."""
        ...


class Capture(Protocol):
    """What is used of cv2.VideoCapture; its pictures are BGR."""

    def grab(self) -> bool:
        """Go to the next frame; false if there is none."""
        ...

    def retrieve(self) -> tuple[bool, Any]:
        """Decode the frame that was grabbed."""
        ...

    def get(self, propId: int, /) -> float:  # noqa: N803
        """Return a property, such as cv2.CAP_PROP_FPS."""
        ...

    def release(self) -> None:
        """Close it."""
        ...


class LatestSlot(Generic[Item]):
    """Holds one thing, the newest: what was put in before and not taken is forgotten, so a slow taker never lags."""

    def __init__(self) -> None:
        self._item: Item | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: Item) -> None:
        """Put the newest in."""
        with self._changed:
            self._item = item
            self._changed.notify_all()

    def close(self) -> None:
        """Say that nothing comes any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_over(self) -> bool:
        """Whether nothing is there and nothing comes any more."""
        with self._changed:
            return self._closed and self._item is None

    def take(self, timeout: float) -> Item | None:
        """Wait for something, at most so many seconds, and take it out; None if nothing came."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout)
            item, self._item = self._item, None
            return item
