"""Which kind of archive it is, by its first bytes."""

from __future__ import annotations

from typing import BinaryIO

from marginface.errors import DataError
from marginface.server.jobs.archives.members import ArchiveLimits, Photos
from marginface.server.jobs.archives.tarred import TarPhotos
from marginface.server.jobs.archives.zipped import ZipPhotos

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP = b"\x1f\x8b"
_TAR = b"ustar"


def open_archive(stream: BinaryIO, limits: ArchiveLimits) -> Photos:
    """Return the photos of an archive; raise DataError if it is none of those that are known.

    Args:
        stream: The archive, which can be read at any place.
        limits: What it may hold.
    """
    head = stream.read(512)
    stream.seek(0)
    if head.startswith(_ZIP):
        return ZipPhotos(stream, limits)
    if head.startswith(_GZIP) or head[257:262] == _TAR:
        return TarPhotos(stream, limits, packed=head.startswith(_GZIP))
    raise DataError("expected an archive, .zip, .tar or .tar.gz, with a folder for each person; this is none of them")
