"""A folder per identity and a file per image: DEST/Name/00000017.jpg."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from marginface.data.convert.job import Job
from marginface.errors import DataError
from marginface.files import write_bytes

_UNSAFE = re.compile(r'[/\\:*?"<>|\x00-\x1f]')


def write_folders(job: Job) -> Iterator[int]:
    """Write each image as a file, named by its number in the source; yield how many more are done.

    A file is there whole or not at all, so one that is there is not written again.
    """
    names = folder_names(job.images.listing.identities)
    done = _present(job.destination)
    labels = job.images.listing.labels
    for index in range(len(labels)):
        read = job.read(index) if index not in done and index not in job.left_out else None
        if read is not None:
            write_bytes(job.destination / names[int(labels[index])] / f"{index:08d}{read[1]}", read[0])
        yield 1


def folder_names(identities: Sequence[str]) -> tuple[str, ...]:
    """Return a folder's name for each identity: numbers get zeros before them, so that they sort as numbers.

    >>> folder_names(["9", "10"]), folder_names(["Ann", "a/b"])
    (('09', '10'), ('Ann', 'a_b'))

    Raises:
        DataError: two identities would share a folder.
    """
    names = [_safe(name) for name in identities]
    if all(name.isascii() and name.isdecimal() for name in names):
        width = max(len(name) for name in names)
        names = [name.zfill(width) for name in names]
    seen: dict[str, str] = {}
    for name, identity in zip(names, identities, strict=True):
        if seen.setdefault(name, identity) != identity:
            raise DataError(f"the identities {seen[name]!r} and {identity!r} would share the folder {name!r}")
    return tuple(names)


def _safe(name: str) -> str:
    """Return a name that is one folder on every system, and no hidden one."""
    safe = _UNSAFE.sub("_", name).strip()[:120]
    return f"_{safe}" if safe.startswith(".") or not safe else safe


def _present(destination: Path) -> set[int]:
    """Return the numbers of the images that are there."""
    return {int(path.stem) for path in destination.glob("*/*.*") if path.stem.isdecimal()}
