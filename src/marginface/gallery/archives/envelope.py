"""A file sealed by a passphrase: written and read as a stream, so that its size does not matter.

    line 1    marginface sealed file 1
    line 2    {"n": …, "r": …, "p": …, "salt": hex}         scrypt (RFC 7914): passphrase → key of 32 bytes
    then      blocks: 4 bytes of length, least byte first; AES-256-GCM of at most 64 KiB

The nonce of block i is i (8 bytes) + 4 bytes that are 1 for the last block and 0 for the others, so that blocks that
are missing, turned around or cut off do not open (the construction STREAM, Hoang et al. 2015). The key is new for every
file: its salt is random. Both lines are bound to every block.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from marginface.documents import parse_json
from marginface.errors import DataError, GalleryKeyError, InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAGIC = b"marginface sealed file 1\n"
SHORTEST_PASSPHRASE = 8
_COST = {"n": 2**15, "r": 8, "p": 1}  # 32 MB and about a tenth of a second
_HIGHEST_COST = {"n": 2**18, "r": 8, "p": 4}
_MEMORY = 2**31 - 2  # of bytes that OpenSSL may take
_BLOCK = 1 << 16
_TAG = 16
_NOT_OPEN = "{}: does not open with this passphrase (or its first block is damaged)"
_PLACE = 4 + _BLOCK + _TAG  # what a whole block takes in the file


class SealedWriter:
    """Seals what is written to it into a stream; ``finish`` writes the last block, without which it cannot be read."""

    def __init__(self, stream: IO[bytes], passphrase: str) -> None:
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise InputError(f"a passphrase has at least {SHORTEST_PASSPHRASE} characters; got {len(passphrase)}")
        salt = os.urandom(16)
        self._header = MAGIC + json.dumps({**_COST, "salt": salt.hex()}).encode() + b"\n"
        self._cipher = AESGCM(_derived(passphrase, salt, _COST))
        self._stream = stream
        self._waiting = bytearray()
        self._blocks = 0
        stream.write(self._header)

    def write(self, content: bytes) -> None:
        """Seal more bytes."""
        self._waiting += content
        while len(self._waiting) > _BLOCK:
            self._put(bytes(self._waiting[:_BLOCK]), last=False)
            del self._waiting[:_BLOCK]

    def finish(self) -> None:
        """Write the last block."""
        self._put(bytes(self._waiting), last=True)

    def _put(self, content: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._blocks, last=last), content, self._header)
        self._stream.write(struct.pack("<I", len(sealed)) + sealed)
        self._blocks += 1


class SealedReader(io.RawIOBase):
    """Reads a sealed file at any place, as a program for archives wants to: a block is opened when it is asked for.

    Put a ``io.BufferedReader`` around it. Nothing of the file is in clear anywhere but in memory.

    Raises:
        DataError: The file is damaged or cut off: at once if its last block is, else when that place is read.
        GalleryKeyError: The passphrase is another one.
    """

    def __init__(self, stream: IO[bytes], passphrase: str, name: str) -> None:
        magic, line = stream.readline(len(MAGIC)), stream.readline(1000)
        if magic != MAGIC:
            raise DataError(f"{name}: is no file that marginface sealed")
        self._cipher, self._header = AESGCM(_derived(passphrase, *_parameters(line, name))), magic + line
        self._stream, self._name, self._place = stream, name, 0
        end = stream.seek(0, io.SEEK_END) - len(self._header)
        self._last = max(0, (end - 1) // _PLACE)
        if self._last:
            self._opened(0)  # a wrong passphrase is told as such
        self._size = self._last * _BLOCK + len(self._opened(self._last))

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read at any place."""
        return True

    def tell(self) -> int:
        """Return the place."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place and return it."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer with what is left of the block at this place; return how many bytes that were."""
        number, inside = divmod(self._place, _BLOCK)
        if self._place >= self._size:
            return 0
        view = memoryview(buffer).cast("B")
        part = self._opened(number)[inside : inside + len(view)]
        view[: len(part)] = part
        self._place += len(part)
        return len(part)

    def _opened(self, number: int) -> bytes:
        self._stream.seek(len(self._header) + number * _PLACE)
        sealed = _block(self._stream, self._name)
        try:
            return self._cipher.decrypt(_nonce(number, last=number == self._last), sealed, self._header)
        except InvalidTag:
            if number == 0:
                raise GalleryKeyError(_NOT_OPEN.format(self._name)) from None
            raise DataError(f"{self._name}: is cut off or damaged at block {number}") from None


def is_sealed(path: Path) -> bool:
    """Say whether a file was sealed by a passphrase."""
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def sealed_blocks(stream: IO[bytes], passphrase: str, name: str) -> Iterator[bytes]:
    """Give what a SealedWriter sealed, block by block, from a stream at its begin.

    Raises:
        DataError: The file is damaged or cut off.
        GalleryKeyError: The passphrase is another one.
    """
    magic, line = stream.readline(len(MAGIC)), stream.readline(1000)
    if magic != MAGIC:
        raise DataError(f"{name}: is no file that marginface sealed")
    cipher = AESGCM(_derived(passphrase, *_parameters(line, name)))
    number = 0
    while True:
        sealed = _block(stream, name)
        for last in (False, True):
            try:
                content = cipher.decrypt(_nonce(number, last=last), sealed, magic + line)
            except InvalidTag:
                continue
            break
        else:
            if number == 0:
                raise GalleryKeyError(_NOT_OPEN.format(name))
            raise DataError(f"{name}: is damaged at block {number}")
        yield content
        if last:
            return
        number += 1


def _block(stream: IO[bytes], name: str) -> bytes:
    length = stream.read(4)
    size = struct.unpack("<I", length)[0] if len(length) == 4 else 0
    sealed = stream.read(size) if _TAG <= size <= _BLOCK + _TAG else b""
    if not sealed or len(sealed) < size:
        raise DataError(f"{name}: is cut off or damaged: its last block is missing")
    return sealed


def _parameters(line: bytes, name: str) -> tuple[bytes, dict[str, int]]:
    """Return salt and cost of the second line; a cost that would take a machine's memory is refused."""
    try:
        values = parse_json(line)
        cost = {key: int(values[key]) for key in _COST}
        salt = bytes.fromhex(values["salt"])
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{name}: its second line is damaged") from None
    if any(not 0 < cost[key] <= _HIGHEST_COST[key] for key in cost) or cost["n"] & (cost["n"] - 1):
        raise DataError(f"{name}: asks for more work to open it than marginface writes ({cost})")
    return salt, cost


def _derived(passphrase: str, salt: bytes, cost: dict[str, int]) -> bytes:
    return hashlib.scrypt(
        passphrase.encode(), salt=salt, n=cost["n"], r=cost["r"], p=cost["p"], maxmem=_MEMORY, dklen=32
    )


def _nonce(number: int, *, last: bool) -> bytes:
    return struct.pack("<QI", number, last)
