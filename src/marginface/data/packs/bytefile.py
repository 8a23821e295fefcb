"""Bytes at an offset of a large file, from several threads."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock

from marginface.errors import UnreadableImage


class ByteFile:
    """A file that stays open: ``read`` may be called from several threads and keeps no position.

    It is no memory map, so that a file that is cut short meanwhile is an error and not the end of the process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream = path.open("rb", buffering=0)
        self._lock = Lock()
        self.size = os.fstat(self._stream.fileno()).st_size

    def read(self, offset: int, size: int) -> bytes:
        """Return exactly these bytes.

        Raises:
            UnreadableImage: the file ends before.
            OSError: the disk fails.
        """
        content = self._read(offset, size)
        if len(content) != size:
            raise UnreadableImage(
                f"{self.path}: expected {size:,} bytes at {offset:,}; got {len(content):,}: the file has become shorter"
            )
        return content

    def _read(self, offset: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._stream.fileno(), size, offset)
        with self._lock:
            self._stream.seek(offset)
            return self._stream.read(size)

    def __del__(self) -> None:
        stream = getattr(self, "_stream", None)
        if stream is not None:
            stream.close()
