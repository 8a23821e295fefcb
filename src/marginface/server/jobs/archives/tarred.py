"""The photos of a .tar or .tar.gz."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from marginface.errors import DataError
from marginface.server.jobs.archives.members import ArchiveLimits, Member, checked_name, is_photo, shown

_DAMAGED = (tarfile.TarError, RecursionError, zlib.error, EOFError, OSError, ValueError, OverflowError)
_HEADER = 1 << 20  # bytes that tarfile may want at once: for names of members and the like
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)


class _Metered(io.RawIOBase):
    """A stream without its packing that counts what comes out of it, and can only be read on."""

    def __init__(self, stream: BinaryIO, limits: ArchiveLimits, *, packed: bool) -> None:
        self._source = stream
        self._size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        self._stream: BinaryIO = gzip.GzipFile(fileobj=stream, mode="rb") if packed else stream  # type: ignore[assignment]
        self._limits = limits
        self._place = 0
        self._again = b""  # the last byte, when it is read a second time
        self.last = b""  # what was read last

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go forward to a place by reading up to it; or back by one byte, as tarfile does behind a photo."""
        if offset == self._place - 1 and self.last:
            self._again, self._place = self.last[-1:], offset
        if whence != io.SEEK_SET or offset < self._place:
            raise OSError("members lie one behind the other")
        while self._place < offset and self._taken(min(_HEADER, offset - self._place)):
            pass
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0 or size > _HEADER:
            raise DataError("the archive has a header that is too large: the archive is refused")
        return self._taken(size)

    def take(self, size: int) -> bytes:
        """Return so many bytes of a photo."""
        parts = []
        while size > 0:
            parts.append(self._taken(min(_HEADER, size)))
            size -= len(parts[-1])
            if not parts[-1]:
                raise DataError("the .tar is cut off within a photo")
        return b"".join(parts)

    def drain(self) -> None:
        """Read to the end, where a packing has its checksum."""
        while self._taken(_HEADER):
            pass

    def _taken(self, size: int) -> bytes:
        content = self._again[:size] + self._stream.read(max(0, size - len(self._again)))
        self._again = b""
        self._place += len(content)
        self.last = content
        packed = self._source.tell() if self._stream is not self._source else self._size
        self._limits.check_bytes(self._place, packed)
        return content


class TarPhotos:
    """The photos of a .tar, read from its begin each time.

    Args:
        stream: The archive.
        limits: What it may hold.
        packed: Whether it is a .tar.gz.
    """

    def __init__(self, stream: BinaryIO, limits: ArchiveLimits, *, packed: bool) -> None:
        self._stream = stream
        self._limits = limits
        self._packed = packed

    def survey(self) -> tuple[Member, ...]:
        """Return all photos; see Photos."""
        return tuple(member for member, _ in self._photos(None))

    def read(self, start: int = 0) -> Iterator[tuple[Member, bytes | None]]:
        """Give photos with their bytes; see Photos."""
        return self._photos(start)

    def _photos(self, start: int | None) -> Iterator[tuple[Member, bytes | None]]:
        """Give the photos, with their bytes from ``start`` on; None: without any."""
        self._stream.seek(0)
        metered = _Metered(self._stream, self._limits, packed=self._packed)
        found = 0
        try:
            with tarfile.open(fileobj=metered, mode="r:") as archive:
                for name, entry in self._entries(archive):
                    member = Member(name, self._fault(entry))
                    wanted = start is not None and found >= start
                    found += 1
                    if start is None or wanted:
                        yield member, metered.take(entry.size) if wanted and not member.fault else None
            if metered.last != bytes(tarfile.BLOCKSIZE):
                raise DataError("the .tar is cut off, or damaged between two members: its end is missing")
            metered.drain()
        except _DAMAGED as error:
            raise DataError(f"the .tar is damaged or cut off: {error}") from None

    def _entries(self, archive: tarfile.TarFile) -> Iterator[tuple[str, tarfile.TarInfo]]:
        """Give the members that are photos by their names."""
        count = 0
        while (entry := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
            count += 1
            self._limits.check_count(count)
            if not entry.isdir() and (entry.type not in _PLAIN or entry.sparse is not None):
                raise DataError(f"the archive has a link or a device, {shown(entry.name)}: the archive is refused")
            name = checked_name(entry.name)
            if not entry.isdir() and is_photo(name):
                yield name, entry

    def _fault(self, entry: tarfile.TarInfo) -> str:
        if entry.size <= self._limits.photo_bytes:
            return ""
        return f"{entry.size:,} bytes; a photo may have {self._limits.photo_bytes:,}. Make it smaller"
