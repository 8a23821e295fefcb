"""The manifest: what a data set held when it was read, as one value."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Manifest:
    """Counts, fingerprint and everything that was left out, by name.

    ``sha256`` covers, in order, each used crop's relative path, size in bytes and content hash. ``unreadable`` are
    files that did not decode, ``excluded`` the folder names met that the exclusion list holds, ``excluded_images`` the
    images, both with the reason where the list has one, ``too_few`` the identities with fewer than ``min_images``
    readable images.
    """

    identities: int
    images: int
    sha256: str
    min_images: int = 1
    unreadable: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    too_few: tuple[str, ...] = ()
    excluded_images: tuple[str, ...] = ()


def content_fingerprint(entries: Iterable[tuple[str, int, str]]) -> str:
    """Return the sha256 over (relative path, size in bytes, content sha256) of every file, in this order."""
    digest = hashlib.sha256()
    for path, size, content in entries:
        digest.update(f"{path}\0{size}\0{content}\n".encode())
    return digest.hexdigest()
