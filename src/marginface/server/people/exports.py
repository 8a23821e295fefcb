"""People as an archive for a caller: on the disk of the server it is never in clear, and never has a name."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from marginface.gallery import Collection, Gallery
from marginface.gallery.archives.envelope import sealed_blocks

_BLOCK = 1 << 16


def archive_of(
    gallery: Gallery, collection: Collection, people: Sequence[str], passphrase: str | None
) -> Iterator[bytes]:
    """Return an archive of a collection, or of some people of it, in pieces.

    The file lies in a folder that is gone before the first piece is given; its bytes go when the last one is.

    Args:
        gallery: Where the audit notes it.
        collection: Whose people.
        people: By name or opaque id; empty: all.
        passphrase: Seals it; None: it is given in clear, and was sealed by a key of the moment on the disk.

    Raises:
        InputError: The passphrase is too short.
        UnknownGalleryName: One of the people is not there.
    """
    seal = secrets.token_urlsafe(32) if passphrase is None else passphrase
    with TemporaryDirectory(prefix="marginface-") as folder:
        path = Path(folder) / "archive"
        gallery.export_archive(path, passphrase=seal, collections=[collection.uid], people=people)
        stream = path.open("rb")
    return _pieces(stream) if passphrase is not None else _opened(stream, seal)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        while piece := stream.read(_BLOCK):
            yield piece


def _opened(stream: IO[bytes], seal: str) -> Iterator[bytes]:
    with stream:
        yield from sealed_blocks(stream, seal, "the archive")
