"""Reading below the folder that is shown: no link leads out, and no error says where on this machine it is."""

from __future__ import annotations

import hashlib
from pathlib import Path

from marginface.errors import DataError, InputError, UnknownName
from marginface.files import read_inside
from marginface.words import cause


def place_below(root: Path, path: Path) -> str:
    """Return where a file or folder is below the folder; its own name if it is that folder."""
    inner = path.relative_to(root).as_posix()
    return path.name if inner == "." else inner


def opaque_id(kind: str, place: str) -> str:
    """Return an id that stays as long as what it is of stays where it is; the name may be any bytes."""
    return f"{kind}-{hashlib.sha256(place.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"


def readable(text: str) -> str:
    """Return a name of a file as Unicode: bytes that are none become question marks."""
    return text.encode("utf-8", "replace").decode()


def without_root(root: Path, text: str) -> str:
    """Return a message without where on this machine the folder is."""
    return readable(text.replace(f"{root}/", "").replace(str(root), root.name))


def read_shown(root: Path, path: Path, most: int) -> bytes:
    """Return the content of a file below the folder, of so many bytes at most.

    Raises:
        DataError: It leads out of the folder, is no plain file, or is too large.
        UnknownName: It is gone, or may not be read.
    """
    try:
        return read_inside(root, path, most=most)
    except InputError as error:
        raise DataError(without_root(root, str(error))) from None
    except OSError as error:
        raise UnknownName(f"{readable(place_below(root, path))} cannot be read: {cause(error)}") from None
