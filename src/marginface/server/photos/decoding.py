"""Bytes → pixels in processes of their own, which may die of a photo without hurting the service.

A decoding process is small, has a cap on its memory and no key, gallery or network of ours. One that takes too long or
crashes is killed and replaced (Pebble does that); the others go on.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
from collections.abc import Callable
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass
from typing import Literal

from pebble import ProcessExpired, ProcessPool

from marginface.errors import ImageError, ImageTooLarge, UnreadableImage
from marginface.images import read_image
from marginface.server.settings import Limits
from marginface.values import ImageArray

Why = Literal["too_large", "unreadable", "slow", "crashed"]  # a photo was not decoded

_TASKS = 1000  # photos until a decoding process is replaced: what a decoder leaks goes with it
_ERRORS: dict[Why, type[ImageError]] = {"too_large": ImageTooLarge}  # every other one is UnreadableImage


@dataclass(frozen=True, slots=True)
class Fault:
    """What a decoding process says of a photo that it has not decoded; it knows no name of it."""

    why: Why
    said: str


class Decoder:
    """Decodes photos for one worker.

    Args:
        limits: Of a photo and of the processes.
        failed: Called with why a photo was not decoded.
    """

    def __init__(self, limits: Limits, failed: Callable[[Why], None] | None = None) -> None:
        self._limits = limits
        self._failed = failed
        self._pool = ProcessPool(
            max_workers=limits.decoders,
            max_tasks=_TASKS,
            initializer=_confine,
            initargs=[limits.decode_memory],
            context=multiprocessing.get_context("spawn"),
        )

    async def decode(self, content: bytes, name: str) -> ImageArray:
        """Return a photo as RGB uint8 (H, W, 3).

        Args:
            content: The bytes of an image file.
            name: What the photo is called in errors.

        Raises:
            UnreadableImage: Not an image, damaged, too slow to decode, or its decoder crashed.
            ImageTooLarge: More bytes or pixels than the limits allow, or than the memory of a decoder holds.
        """
        self.require_size(len(content), name)
        answer = await self._answer(content)
        if isinstance(answer, Fault):
            raise self._refused(answer, name)
        return answer

    def require_size(self, size: int, name: str) -> None:
        """Raise ImageTooLarge for more bytes than a photo may have."""
        most = self._limits.photo_bytes
        if size > most:
            raise self._refused(Fault("too_large", f"{size:,} bytes; a photo may have {most:,}. Make it smaller"), name)

    def close(self) -> None:
        """Stop the processes; what they are at is dropped."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join(timeout=5)

    async def _answer(self, content: bytes) -> ImageArray | Fault:
        limits = self._limits
        future = self._pool.schedule(decode_here, args=[content, limits.pixels], timeout=limits.decode_seconds)
        try:
            return await asyncio.wrap_future(future)
        except (TooLong, TimeoutError):
            said = f"not decoded within {limits.decode_seconds:g} s. Make it smaller, or save it anew as JPEG"
            return Fault("slow", said)
        except ProcessExpired:
            return Fault("crashed", "its decoder crashed. Save the photo anew as JPEG or PNG")

    def _refused(self, fault: Fault, name: str) -> ImageError:
        if self._failed is not None:
            self._failed(fault.why)
        return _ERRORS.get(fault.why, UnreadableImage)(f"{name}: {fault.said}")


def _confine(memory: int) -> None:
    """Cap the memory of this process, and leave no core file: it would hold a face."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def decode_here(content: bytes, pixels: int) -> ImageArray | Fault:
    """Return the photo, or why it cannot be had."""
    try:
        return read_image(content, max_pixels=pixels)
    except ImageTooLarge as error:
        return Fault("too_large", _after_colon(str(error)))
    except UnreadableImage as error:
        return Fault("unreadable", _after_colon(str(error)))


def _after_colon(text: str) -> str:
    """Leave out what the reader called the bytes: the service knows the photo's name."""
    return text.partition(": ")[2] or text
