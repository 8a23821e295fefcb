"""One record of dmlc's recordio: its parts, and MXNet's image header within it."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Any

from marginface.data.packs.bytefile import ByteFile
from marginface.errors import DataError, UnreadableImage

MAGIC = 0xCED7230A
RECORD = struct.Struct("<II")  # magic, part << 29 | length
HEADER = struct.Struct("<IfQQ")  # flag, label, id, id2
LONGEST = (1 << 29) - 1
_MAGIC_BYTES = struct.pack("<I", MAGIC)


class Part(IntEnum):
    """What the upper three bits of the length word say."""

    WHOLE = 0
    FIRST = 1
    MIDDLE = 2
    LAST = 3


def padded(length: Any) -> Any:
    """Return the length filled up to a multiple of four."""
    return (length + 3) // 4 * 4


def record_content(file: ByteFile, offset: int) -> tuple[bytes, int]:
    """Return the content of the record at an offset, its parts joined, and where the next one begins.

    Raises:
        DataError: no record begins there, or the file ends within it.
    """
    pieces: list[bytes] = []
    begun = offset
    while True:
        magic, part, length = _head(file, offset)
        first = part in (Part.WHOLE, Part.FIRST)
        if magic != MAGIC or part > Part.LAST or first == bool(pieces):
            raise DataError(
                f"{file.path}: expected a record at {offset:,}; got the words {magic:#x}, part {part}. The file is "
                "damaged, or no RecordIO file"
            )
        if offset + RECORD.size + padded(length) > file.size:
            raise _cut_short(file, begun)
        pieces.append(file.read(offset + RECORD.size, length))
        offset += RECORD.size + padded(length)
        if part in (Part.WHOLE, Part.LAST):
            return _MAGIC_BYTES.join(pieces), offset


def split_header(content: bytes) -> tuple[tuple[float, ...], bytes]:
    """Return the labels and the image of a record's content.

    Raises:
        UnreadableImage: the content is too short for the header, or for the labels that it claims.
    """
    if len(content) < HEADER.size:
        raise UnreadableImage(f"a record of {len(content)} bytes has no image header of {HEADER.size} bytes")
    flag, label, _, _ = HEADER.unpack_from(content)
    end = HEADER.size + 4 * flag
    if end > len(content):
        raise UnreadableImage(f"an image header claims {flag} labels in a record of {len(content)} bytes")
    labels = struct.unpack_from(f"<{flag}f", content, HEADER.size) if flag else (label,)
    return labels, content[end:]


def pack_content(labels: tuple[float, ...], key: int, image: bytes) -> bytes:
    """Return the content of a record: one label stands in the header, several follow it."""
    if len(labels) == 1:
        return HEADER.pack(0, labels[0], key, 0) + image
    return HEADER.pack(len(labels), 0.0, key, 0) + struct.pack(f"<{len(labels)}f", *labels) + image


def pack_record(content: bytes) -> bytes:
    """Return the record of a content: in one part, or in as many as the magic number asks for.

    Raises:
        DataError: a part is longer than 29 bits can say.
    """
    pieces, begin = [], 0
    found = content.find(_MAGIC_BYTES)
    while found != -1:
        if found % 4 == 0:
            pieces.append(content[begin:found])
            begin = found + 4
        found = content.find(_MAGIC_BYTES, found + 4 if found % 4 == 0 else found + 1)
    pieces.append(content[begin:])
    last = len(pieces) - 1
    kinds = [Part.FIRST if i == 0 else Part.LAST if i == last else Part.MIDDLE for i in range(len(pieces))]
    return b"".join(
        _pack_part(piece, kind) for piece, kind in zip(pieces, kinds if last else [Part.WHOLE], strict=True)
    )


def _pack_part(piece: bytes, part: Part) -> bytes:
    if len(piece) > LONGEST:
        raise DataError(f"a record holds at most {LONGEST:,} bytes; got {len(piece):,}. No crop is so large")
    return RECORD.pack(MAGIC, part << 29 | len(piece)) + piece + bytes(padded(len(piece)) - len(piece))


def _head(file: ByteFile, offset: int) -> tuple[int, int, int]:
    if offset + RECORD.size > file.size:
        raise _cut_short(file, offset)
    magic, second = RECORD.unpack(file.read(offset, RECORD.size))
    return magic, second >> 29, second & LONGEST


def _cut_short(file: ByteFile, offset: int) -> DataError:
    return DataError(
        f"{file.path}: the file ends at {file.size:,} bytes, within the record at {offset:,}. It was cut short: copy "
        "or download it again"
    )
