"""A byte string that stays in the file it is in, and the ways in which a pickle writes one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from mmap import mmap
from typing import Literal

from marginface.errors import DataError

Content = bytes | mmap
Coding = Literal["bytes", "escaped", "utf-8", "raw-unicode-escape"]
_ESCAPES = {b"\\": b"\\", b"'": b"'", b'"': b'"', b"n": b"\n", b"r": b"\r", b"t": b"\t"}


@dataclass(frozen=True, slots=True)
class Span:
    """A byte string or a text that stays in the file, from ``start`` to ``stop``, and how it is written there."""

    start: int
    stop: int
    coding: Coding
    is_text: bool = False

    def read(self, content: Content) -> bytes:
        """Return the bytes; text stands for those of its latin-1 form.

        Raises:
            DataError: an escape or a character that no byte string is written with.
        """
        raw = content[self.start : self.stop]
        try:
            if self.coding == "bytes":
                return raw
            if self.coding == "escaped":
                return re.sub(rb"\\(x[0-9a-fA-F]{2}|.|\Z)", _unescape, raw, flags=re.DOTALL)
            return raw.decode(self.coding).encode("latin-1")
        except (ValueError, KeyError):
            raise DataError(
                f"the {self.stop - self.start:,} bytes at {self.start:,} are no {self.coding} text"
            ) from None


def _unescape(found: re.Match[bytes]) -> bytes:
    escape = found[1]
    return bytes([int(escape[1:], 16)]) if len(escape) == 3 else _ESCAPES[escape]
