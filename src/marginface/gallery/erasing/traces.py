"""Search files for the bytes of records that must not be there any more.

A sealed record is random to who has no key, so 16 bytes of it that turn up in a file are a piece of it and no chance.
A record may have been cut by the pages of a file; so pieces of 16 bytes are taken of it at every 64th byte, and a file
is looked at from every byte on. What is left of a record and is 80 bytes long or more is found.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from marginface.errors import StorageError

_PIECE, _STEP = 16, 64
_CHUNK = 1 << 24
_COPY = "import shutil, sys; shutil.copyfileobj(open(sys.argv[1], 'rb'), sys.stdout.buffer, 1 << 20)"
_Keys = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class FileTraces:
    """A file that was searched: its name, how many bytes it had, how many pieces of erased records it holds."""

    name: str
    size: int
    traces: int


class Traces:
    """Pieces of records, and clear texts, to look for in files.

    >>> Traces([bytes(range(100))], []).count(b"other bytes " + bytes(range(100)))
    2
    """

    def __init__(self, records: Iterable[bytes], texts: Iterable[bytes]) -> None:
        pieces = sorted({piece for record in records for piece in _pieces(record)})
        self._pieces = set(pieces)
        self._texts = tuple(texts)
        self._keys: _Keys = np.unique(np.frombuffer(b"".join(piece[:8] for piece in pieces), dtype="<u8"))
        self._starts = np.zeros(1 << 16, dtype=bool)
        self._starts[self._keys & np.uint64(0xFFFF)] = True

    def look_in(self, path: Path) -> FileTraces:
        """Search a file, which may be larger than the memory."""
        found, size, kept = 0, 0, b""
        overlap = max([_PIECE, *(len(text) for text in self._texts)]) - 1
        for chunk in _chunks(path):
            found += self.count(kept + chunk) - self.count(kept)
            kept = (kept + chunk)[-overlap:]
            size += len(chunk)
        return FileTraces(path.name, size, found)

    def count(self, data: bytes) -> int:
        """Return how many times pieces and texts are in these bytes."""
        return self._count_pieces(data) + sum(data.count(text) for text in self._texts)

    def _count_pieces(self, data: bytes) -> int:
        if not len(self._keys) or len(data) < _PIECE:
            return 0
        return sum(self._count_from(data, shift) for shift in range(8))

    def _count_from(self, data: bytes, shift: int) -> int:
        """Return how many pieces begin at the byte ``shift`` or a multiple of 8 bytes after it."""
        words = np.frombuffer(data, dtype="<u8", offset=shift, count=(len(data) - shift) // 8)
        likely = np.flatnonzero(self._starts[words.view("<u2")[::4]])
        places = np.minimum(np.searchsorted(self._keys, words[likely]), len(self._keys) - 1)
        starts = shift + 8 * likely[self._keys[places] == words[likely]]
        return sum(data[start : start + _PIECE] in self._pieces for start in starts.tolist())


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file that SQLite may have open in this process, read by another process.

    When a process closes a file that it has opened, POSIX takes from it all locks that it has on that file, those of
    SQLite too. Another process that closes the gallery then believes that it was the last one and deletes the log, and
    what this one writes afterwards is lost, acknowledged or not. See "How To Corrupt An SQLite Database File", 2.2.

    Raises:
        StorageError: The file cannot be read.
    """
    command = [sys.executable, "-I", "-S", "-c", _COPY, str(path)]
    nothing = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing) as reader:  # noqa: S603
        assert reader.stdout is not None
        while chunk := reader.stdout.read(_CHUNK):
            yield chunk
    if reader.returncode:
        raise StorageError(f"{path}: the file could not be searched: the process that reads it ended with an error")


def _pieces(record: bytes) -> list[bytes]:
    return [record[start : start + _PIECE] for start in range(0, len(record) - _PIECE + 1, _STEP)]
