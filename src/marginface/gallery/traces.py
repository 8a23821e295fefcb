"""Search files for the bytes of records that must not be there any more.

A sealed record is random to who has no key, so 16 bytes of it that turn up in a file are a piece of it and no chance.
A record may have been cut by the pages of a file; so pieces of 16 bytes are taken of it at every 64th byte, and a file
is looked at from every byte on. What is left of a record and is 80 bytes long or more is found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_PIECE, _STEP = 16, 64
_CHUNK = 1 << 24
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
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
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


def _pieces(record: bytes) -> list[bytes]:
    return [record[start : start + _PIECE] for start in range(0, len(record) - _PIECE + 1, _STEP)]
