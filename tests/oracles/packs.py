"""Evaluation packs written as Python 2 and Python 3 write them, and files that look like packs and mean harm."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar


class Python2Pickler(pickle._Pickler):  # type: ignore[name-defined,misc]
    """Writes byte strings (and names) as ``pickle`` of Python 2 writes its ``str``; protocols 0 to 2."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def save_str2(self, value: bytes | str) -> None:
        """STRING, SHORT_BINSTRING or BINSTRING, then PUT."""
        raw = value if isinstance(value, bytes) else value.encode("ascii")
        if self.proto == 0:
            self.write(b"S" + repr(raw)[1:].encode("ascii") + b"\n")
        elif len(raw) < 256:
            self.write(b"U" + bytes([len(raw)]) + raw)
        else:
            self.write(b"T" + len(raw).to_bytes(4, "little") + raw)
        self.memoize(value)

    dispatch[bytes] = save_str2
    dispatch[str] = save_str2


def python2_pickle(value: Any, protocol: int = 2) -> bytes:
    """Return what Python 2 would write."""
    stream = BytesIO()
    Python2Pickler(stream, protocol).dump(value)
    return stream.getvalue()


def write_pack(
    path: Path, images: Sequence[Any], genuine: Sequence[Any], *, protocol: int = 4, python2: bool = False
) -> Path:
    """Write a pack as InsightFace's scripts do: ``pickle.dump((images, genuine), file, protocol)``."""
    value = (list(images), list(genuine))
    path.write_bytes(python2_pickle(value, protocol) if python2 else pickle.dumps(value, protocol))
    return path
