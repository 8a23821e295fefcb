"""Bytes at an offset of a large file, from several threads: of this machine, or of a store."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from marginface.errors import UnreadableImage
from marginface.locations import is_remote, store_of

BLOCK = 1 << 18  # bytes that one request to a store brings: some ten crops, and little more wait than for one
_KEPT_BYTES = 256_000_000  # of blocks read last, over all files of this process


class ByteFile:
    """A file that is read at offsets: ``read`` may be called from several threads and keeps no position.

    A local file stays open. It is no memory map, so that a file that is cut short meanwhile is an error and not the end
    of the process. Of a file in a store whole blocks are fetched, and those fetched last are kept. It can be sent to
    another process, which opens it again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._source: _LocalFile | _RemoteFile = _RemoteFile(path) if is_remote(path) else _LocalFile(path)
        self.size = self._source.size

    def __reduce__(self) -> tuple[type[ByteFile], tuple[Path]]:
        return ByteFile, (self.path,)

    def read(self, offset: int, size: int) -> bytes:
        """Return exactly these bytes.

        Raises:
            UnreadableImage: the file ends before.
            OSError: the disk or the store fails.
        """
        content = self._source.read(offset, size)
        if len(content) != size:
            raise UnreadableImage(
                f"{self.path}: expected {size:,} bytes at {offset:,}; got {len(content):,}: the file has become shorter"
            )
        return content


class _LocalFile:
    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb", buffering=0)
        self._lock = Lock()
        self.size = os.fstat(self._stream.fileno()).st_size

    def read(self, offset: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._stream.fileno(), size, offset)
        with self._lock:
            self._stream.seek(offset)
            return self._stream.read(size)

    def __del__(self) -> None:
        stream = getattr(self, "_stream", None)
        if stream is not None:
            stream.close()


class _RemoteFile:
    def __init__(self, path: Path) -> None:
        self._store, self._key = store_of(path)
        self._name = str(path)
        self.size = path.stat().st_size

    def read(self, offset: int, size: int) -> bytes:
        """Return these bytes, or as many of them as there are, out of the blocks that hold them."""
        first, last = offset // BLOCK, (offset + max(size, 1) - 1) // BLOCK
        content = b"".join(
            _BLOCKS.get((self._name, self.size, number), lambda number=number: self._fetch(number))  # type: ignore[misc]
            for number in range(first, last + 1)
        )
        start = offset - first * BLOCK
        return content[start : start + size]

    def _fetch(self, number: int) -> bytes:
        start, end = number * BLOCK, min((number + 1) * BLOCK, self.size)
        return bytes(self._store.cat_file(self._key, start=start, end=end)) if start < end else b""


class _Blocks:
    """The blocks that were used last, up to a number of bytes."""

    def __init__(self, budget: int) -> None:
        self._budget, self._size = budget, 0
        self._kept: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, int, int], fetch: Callable[[], bytes]) -> bytes:
        """Return a block, fetched if it is not kept; other threads go on meanwhile."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        block = fetch()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = block
                self._size += len(block)
            while self._size > self._budget and len(self._kept) > 1:
                self._size -= len(self._kept.popitem(last=False)[1])
        return block


_BLOCKS = _Blocks(_KEPT_BYTES)
