"""The photos of a .zip."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from marginface.errors import DataError
from marginface.server.jobs.archives.members import ArchiveLimits, Member, checked_name, is_photo, shown

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, RuntimeError)
_DIRECTORY = 24 << 20  # bytes of a zip's list of members: read at once, so capped before
_ENCRYPTED = 0x1


class _Guarded(io.BufferedIOBase):
    """A stream that refuses to be read in one piece larger than a list of members may be."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def read(self, size: int | None = -1) -> bytes:
        wanted = self._size - self._stream.tell() if size is None or size < 0 else size
        if wanted > _DIRECTORY:
            raise DataError("the archive's list of members is too large. Send the people in several archives")
        return self._stream.read(max(0, wanted))


class ZipPhotos:
    """The photos of a .zip that can be read at any place."""

    def __init__(self, stream: BinaryIO, limits: ArchiveLimits) -> None:
        self._limits = limits
        self._packed = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        try:
            self._zip = zipfile.ZipFile(_Guarded(stream, self._packed))
        except _DAMAGED as error:
            raise DataError(f"the .zip is damaged or cut off: {error}") from None

    def survey(self) -> tuple[Member, ...]:
        """Return all photos; see Photos."""
        return tuple(member for member, _ in self._photos())

    def read(self, start: int = 0) -> Iterator[tuple[Member, bytes | None]]:
        """Give photos with their bytes; see Photos. One whose bytes are damaged is told as such."""
        for member, entry in self._photos()[start:]:
            if member.fault:
                yield member, None
                continue
            try:
                with self._zip.open(entry) as stream:
                    yield member, stream.read(self._limits.photo_bytes + 1)
            except _DAMAGED as error:
                yield Member(member.name, f"damaged in the archive: {error}"), None

    def _photos(self) -> list[tuple[Member, zipfile.ZipInfo]]:
        entries = self._zip.infolist()
        self._limits.check_count(len(entries))
        self._limits.check_bytes(sum(entry.file_size for entry in entries), self._packed)
        named = [(checked_name(entry.filename), entry) for entry in entries if not _refused(entry)]
        return [(Member(name, self._fault(entry)), entry) for name, entry in named if is_photo(name)]

    def _fault(self, entry: zipfile.ZipInfo) -> str:
        if entry.flag_bits & _ENCRYPTED:
            return "encrypted in the archive; pack it without a password"
        if entry.compress_type not in _METHODS:
            return "packed by a method that is not read here; use 'deflate' or 'store'"
        if entry.file_size > self._limits.photo_bytes:
            return f"{entry.file_size:,} bytes; a photo may have {self._limits.photo_bytes:,}. Make it smaller"
        return ""


def _refused(entry: zipfile.ZipInfo) -> bool:
    """Say whether a member is a folder; raise DataError for a link or the like."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DataError(f"the archive has a link or a device, {shown(entry.filename)}: the archive is refused")
    if entry.is_dir():
        checked_name(entry.filename)
    return entry.is_dir()
