"""Bytes → pixels in processes of their own (process.py), which may die of a photo without hurting who asked.

A process that takes too long, dies or answers what no decoder does is killed, and the next photo gets another.
Processes share nothing that one could leave locked, and one that dies at rest is replaced when it is needed.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from marginface.errors import ImageError, ImageTooLarge, UnreadableImage
from marginface.server.decoding.process import DecoderGone, DecoderProcess, Fault, NoDecoder, Why, command_of
from marginface.server.settings import Limits
from marginface.values import ImageArray

LOG = logging.getLogger("marginface.server")
_PHOTOS = 1000  # until a process is replaced: what a decoder leaks goes with it
_ERRORS: dict[Why, type[ImageError]] = {"too_large": ImageTooLarge}  # every other one is UnreadableImage


class Decoder:
    """Decodes photos for one worker, or for one job.

    Args:
        limits: Of a photo and of the processes.
        failed: Called with why a photo was not decoded.
    """

    def __init__(self, limits: Limits, failed: Callable[[Why], None] | None = None) -> None:
        self._limits = limits
        self._failed = failed
        self._threads = ThreadPoolExecutor(limits.decoders, thread_name_prefix="decoders")
        self._lock = threading.Lock()
        self._idle: list[DecoderProcess] = []
        self._working: set[DecoderProcess] = set()
        self._is_closed = False

    async def decode(self, content: bytes, name: str) -> ImageArray:
        """Return a photo as RGB uint8 (H, W, 3).

        Args:
            content: The bytes of an image file.
            name: What the photo is called in errors.

        Raises:
            UnreadableImage: Not an image, damaged, too slow to decode, or its decoder crashed.
            ImageTooLarge: More bytes or pixels than the limits allow, or than the memory of a decoder holds.
        """
        return self._told(await asyncio.wrap_future(self._asked(content, name)), name)

    def decode_now(self, content: bytes, name: str) -> ImageArray:
        """Return a photo as ``decode`` does, to a thread that waits for it."""
        return self._told(self._asked(content, name).result(), name)

    def require_size(self, size: int, name: str) -> None:
        """Raise ImageTooLarge for more bytes than a photo may have."""
        most = self._limits.photo_bytes
        if size > most:
            raise self._refused(Fault("too_large", f"{size:,} bytes; a photo may have {most:,}. Make it smaller"), name)

    def close(self) -> None:
        """Stop the processes; what they are at is dropped."""
        with self._lock:
            self._is_closed = True
            processes = [*self._idle, *self._working]
        for process in processes:
            process.kill()
        self._threads.shutdown(cancel_futures=True)
        while self._idle:
            self._idle.pop().end()

    def _asked(self, content: bytes, name: str) -> Future[ImageArray | Fault]:
        self.require_size(len(content), name)
        return self._threads.submit(self._answer, content)

    def _answer(self, content: bytes) -> ImageArray | Fault:
        try:
            return self._answered(content, self._taken())
        except NoDecoder as error:
            if not self._is_closed:
                LOG.error("%s: '%s' says why", error, " ".join(command_of(self._limits)))
            return Fault("crashed", "the service has no decoder for it now. Who runs the service finds why in its log")

    def _answered(self, content: bytes, process: DecoderProcess) -> ImageArray | Fault:
        is_of_use = False
        try:
            answer = process.decode(content, self._limits)
            is_of_use = True
        except TimeoutError:
            said = f"not decoded within {self._limits.decode_seconds:g} s. Make it smaller, or save it anew as JPEG"
            return Fault("slow", said)
        except DecoderGone:
            return Fault("crashed", "its decoder crashed. Save the photo anew as JPEG or PNG")
        finally:
            self._returned(process, is_of_use=is_of_use)
        return answer

    def _taken(self) -> DecoderProcess:
        """Return a process that lives: one that is at rest, or a new one; raise NoDecoder where there is none."""
        with self._lock:
            if self._is_closed:
                raise NoDecoder("the service stops")
            while self._idle:
                process = self._idle.pop()
                if process.is_alive:
                    break
                process.end()
            else:
                process = DecoderProcess(self._limits)
            self._working.add(process)
            return process

    def _returned(self, process: DecoderProcess, *, is_of_use: bool) -> None:
        """Keep a process for the next photo, or end it."""
        with self._lock:
            self._working.discard(process)
            if is_of_use and process.photos < _PHOTOS:
                self._idle.append(process)
                return
        process.end()

    def _told(self, answer: ImageArray | Fault, name: str) -> ImageArray:
        if isinstance(answer, Fault):
            raise self._refused(answer, name)
        return answer

    def _refused(self, fault: Fault, name: str) -> ImageError:
        if self._failed is not None:
            self._failed(fault.why)
        return _ERRORS.get(fault.why, UnreadableImage)(f"{name}: {fault.said}")
