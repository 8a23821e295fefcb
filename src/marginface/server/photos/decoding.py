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

from pebble import ProcessExpired, ProcessPool

from marginface.errors import ImageTooLarge, UnreadableImage
from marginface.images import read_image
from marginface.server.settings import Limits
from marginface.values import ImageArray

_TASKS = 1000  # photos until a decoding process is replaced: what a decoder leaks goes with it


class Decoder:
    """Decodes photos for one worker.

    Args:
        limits: Of a photo and of the processes.
        failed: Called with why a photo was not decoded: too_large, unreadable, slow or crashed.
    """

    def __init__(self, limits: Limits, failed: Callable[[str], None] | None = None) -> None:
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
        limits = self._limits
        if len(content) > limits.photo_bytes:
            self._note("too_large")
            raise ImageTooLarge(
                f"{name}: {len(content):,} bytes; a photo may have {limits.photo_bytes:,}. Make it smaller"
            )
        future = self._pool.schedule(decode_here, args=[content, limits.pixels], timeout=limits.decode_seconds)
        try:
            answer = await asyncio.wrap_future(future)
        except (TooLong, TimeoutError):
            self._note("slow")
            raise UnreadableImage(
                f"{name}: not decoded within {limits.decode_seconds:g} s. Make it smaller, or save it anew as JPEG"
            ) from None
        except ProcessExpired:
            self._note("crashed")
            raise UnreadableImage(f"{name}: its decoder crashed. Save the photo anew as JPEG or PNG") from None
        if isinstance(answer, str):
            self._note("unreadable")
            raise UnreadableImage(f"{name}: {answer}")
        if isinstance(answer, tuple):
            self._note("too_large")
            raise ImageTooLarge(f"{name}: {answer[0]}")
        return answer

    def _note(self, why: str) -> None:
        if self._failed is not None:
            self._failed(why)

    def close(self) -> None:
        """Stop the processes; what they are at is dropped."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join(timeout=5)


def _confine(memory: int) -> None:
    """Cap the memory of this process, and leave no core file: it would hold a face."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def decode_here(content: bytes, pixels: int) -> ImageArray | str | tuple[str]:
    """Return the photo; or why it cannot be read, as a text; or why it is too large, as a text in a tuple."""
    try:
        return read_image(content, max_pixels=pixels)
    except UnreadableImage as error:
        return _after_colon(str(error))
    except ImageTooLarge as error:
        return (_after_colon(str(error)),)


def _after_colon(text: str) -> str:
    """Leave out what the reader called the bytes: the service knows the photo's name."""
    return text.partition(": ")[2] or text
