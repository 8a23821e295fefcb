"""What a member of an archive may be: nothing is ever unpacked, and a name is never used as a path of this machine.

An archive with a name that leaves it (``../``, ``/``, ``C:``), a link or a device is refused as a whole: no program for
archives makes such a one by accident. A photo that is too large or cannot be read is told and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from marginface.errors import DataError, InputError
from marginface.images import IMAGE_SUFFIXES

_LONGEST = 1000  # characters of a name
_DEEPEST = 16  # folders
_DRIVE = re.compile(r"^[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may hold.

    Attributes:
        photo_bytes: Of one photo; a larger one is left out and told.
        total_bytes: Of all members, unpacked.
        members: How many, folders and other files too.
        ratio: Bytes unpacked for one that is packed, once that is more than ``free_bytes``.
    """

    photo_bytes: int
    total_bytes: int
    members: int = 100_000
    ratio: int = 100
    free_bytes: int = 64 << 20

    def check_count(self, count: int) -> None:
        """Raise DataError for more members than that."""
        if count > self.members:
            raise DataError(f"the archive has over {self.members:,} members. Send the people in several archives")

    def check_bytes(self, unpacked: int, packed: int) -> None:
        """Raise DataError for more bytes than that, in all or for what is packed."""
        if unpacked > self.total_bytes:
            raise DataError(
                f"the archive unpacks to more than {self.total_bytes:,} bytes. Send the photos in several archives"
            )
        if unpacked > self.free_bytes and unpacked > self.ratio * max(packed, 1):
            raise DataError(
                f"the archive unpacks to more than {self.ratio} times its size, as photos never do: it is refused"
            )


@dataclass(frozen=True, slots=True)
class Member:
    """A photo of an archive: its name in it, and why it cannot be read; an empty ``fault``: it can."""

    name: str
    fault: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders on the way to it, and its own name."""
        return PurePosixPath(self.name).parts


class Photos(Protocol):
    """The photos of an opened archive, in the order they lie in it."""

    def survey(self) -> tuple[Member, ...]:
        """Return all photos; raise DataError for an archive that is hostile or damaged. Nothing is decoded."""
        ...

    def read(self, start: int = 0) -> Iterator[tuple[Member, bytes | None]]:
        """Give photos with their bytes, from one place of the survey on; None for one that has a fault."""
        ...


def checked_name(name: str) -> str:
    r"""Return the name of a member with slashes; raise DataError for one that leaves the archive.

    >>> checked_name(r"Ann\1.jpg"), checked_name("./Ann/./1.jpg")
    ('Ann/1.jpg', 'Ann/1.jpg')
    """
    clean = name.replace("\\", "/")
    parts = clean.split("/")
    if clean.startswith("/") or ".." in parts or "\0" in clean or _DRIVE.match(clean):
        raise DataError(f"the archive has a member {shown(name)}, which leaves it: the archive is refused")
    kept = [part for part in parts if part not in ("", ".")]
    if len(clean) > _LONGEST or len(kept) > _DEEPEST:
        raise DataError(f"the archive has a member whose name is too long or too deep: {shown(name)}")
    return "/".join(kept).encode("utf-8", "backslashreplace").decode()


def shown(name: str) -> str:
    """Return a name as it may stand in a message: short, and without signs that move a cursor."""
    return repr(name[:80].encode("utf-8", "backslashreplace").decode())


def is_photo(name: str) -> bool:
    """Say whether a member is a photo by its name; hidden ones and the shadows that macOS adds are not.

    >>> is_photo("Ann/1.jpg"), is_photo("__MACOSX/Ann/._1.jpg"), is_photo("Ann/notes.txt")
    (True, False, False)
    """
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not hidden and path.suffix.lower() in IMAGE_SUFFIXES


def require_layout(photos: Sequence[Member], strip: int | None) -> int:
    """Return how many folders stand before those of the people; raise InputError where that cannot be told.

    Args:
        photos: The photos of an archive.
        strip: What the sender said; None: nothing.
    """
    if not photos:
        raise InputError("no photos in the archive; it has a folder for each person, with their photos")
    if strip is not None:
        return strip
    tops = {photo.parts[0] for photo in photos}
    if len(tops) == 1 and any(len(photo.parts) > 2 for photo in photos):
        raise InputError(
            f"all photos lie in the folder {shown(tops.pop())}, which has folders in it. Is it one person, or are the "
            "folders in it the people? Say strip=0 for one person, strip=1 for a folder of people"
        )
    return 0


def person_of(photo: Member, strip: int) -> str:
    """Return the name of the folder that says whose a photo is; empty if it lies beside the people's folders.

    >>> person_of(Member("people/Ann/2020/1.jpg"), 1), person_of(Member("1.jpg"), 0)
    ('Ann', '')
    """
    inside = photo.parts[strip:]
    return inside[0] if len(inside) > 1 else ""
