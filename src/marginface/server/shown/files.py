"""Reading below the folder that is shown: no link leads out, and no error says where on this machine it is."""

from __future__ import annotations

from pathlib import Path

from marginface.errors import DataError, InputError, UnknownName
from marginface.files import read_inside
from marginface.words import cause


def without_root(root: Path, text: str) -> str:
    """Return a message without where on this machine the folder is."""
    return text.replace(f"{root}/", "").replace(str(root), root.name)


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
        raise UnknownName(f"{path.relative_to(root).as_posix()} cannot be read: {cause(error)}") from None
