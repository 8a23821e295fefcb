"""Bytes at an offset of a large file, from several threads: of this machine, or of a store."""

from __future__ import annotations

import os
from collections import OrderedDict, deque
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from weakref import ref

from marginface.errors import UnreadableImage
from marginface.locations import is_remote, store_of

BLOCK = 1 << 18  # bytes that one request to a store brings: some ten crops, and little more wait than for one
_KEPT_BYTES = 256_000_000  # of blocks read last, over all files of this process
_SHARE = 3  # one in so many of the files that a process may have open is for packs of one kind

if os.name == "posix":
    from resource import RLIMIT_NOFILE, getrlimit

    def most_open() -> int:
        """Return how many files of packs may be open at once; a set of 42 million crops has thousands of shards."""
        allowed = getrlimit(RLIMIT_NOFILE)[0]
        return max(allowed // _SHARE, 1) if allowed > 0 else 1 << 16  # below 0: as many as you like

else:

    def most_open() -> int:
        """Return how many files of packs may be open at once."""
        return 512 // _SHARE


class ByteFile:
    """A file that is read at offsets: ``read`` may be called from several threads and keeps no position.

    A local file stays open, of very many those that were opened last. It is no memory map, so that a file that is cut
    short meanwhile is an error and not the end of the process. Of a file in a store whole blocks are fetched, and those
    fetched last are kept. It can be sent to another process, which opens it again.
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
        self._path = path
        self._lock = Lock()
        self._opened: _Opened | None = None
        self.size = self._open().size

    def read(self, offset: int, size: int) -> bytes:
        opened = self._opened or self._open()
        if opened.size != self.size:
            raise UnreadableImage(
                f"{self._path}: expected the file of {self.size:,} bytes that was opened; got another, of "
                f"{opened.size:,} bytes"
            )
        if hasattr(os, "pread"):
            return os.pread(opened.stream.fileno(), size, offset)
        with self._lock:
            opened.stream.seek(offset)
            return opened.stream.read(size)

    def let_go(self) -> None:
        """Close the file as soon as no thread reads it; the next one opens it again."""
        self._opened = None

    def _open(self) -> _Opened:
        opened = _Opened(self._path)
        self._opened = opened
        _OPEN_FILES.add(self)
        return opened


class _Opened:
    """An open file, closed when nobody holds it."""

    def __init__(self, path: Path) -> None:
        self.stream = path.open("rb", buffering=0)
        self.size = os.fstat(self.stream.fileno()).st_size

    def __del__(self) -> None:
        stream = getattr(self, "stream", None)
        if stream is not None:
            stream.close()


class _OpenFiles:
    """The files of this process that were opened last, ``most_open`` of them; the others are let go."""

    def __init__(self) -> None:
        self._files: deque[ref[_LocalFile]] = deque()
        self._lock = Lock()

    def add(self, file: _LocalFile) -> None:
        with self._lock:
            self._files.append(ref(file))
            while len(self._files) > most_open():
                oldest = self._files.popleft()()
                if oldest is not None:
                    oldest.let_go()


_OPEN_FILES = _OpenFiles()


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
