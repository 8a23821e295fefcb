"""Writing a file so that it is there whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from marginface.locations import is_remote, store_of


def json_bytes(text: str) -> bytes:
    r"""Return JSON text as UTF-8. What a file name holds that is no UTF-8 becomes an escape, which JSON reads back.

    >>> json_bytes('"a\udcff"')
    b'"a\\udcff"'
    """
    return text.encode("utf-8", "backslashreplace")


def is_file(path: Path) -> bool:
    """Say whether a file is there; a name that the system cannot have, too long or with a NUL, is of none."""
    try:
        return path.is_file()
    except OSError:
        return False


def listed_path(folder: Path, text: str) -> Path:
    r"""Return where a file is that a list names from its folder on; a list of Windows has backslashes in it.

    >>> listed_path(Path("photos"), r"Ann\1.jpg").as_posix()
    'photos/Ann/1.jpg'
    """
    path = folder / text
    return folder / text.replace("\\", "/") if "\\" in text and not is_file(path) else path


def write_whole(path: Path, fill: Callable[[IO[bytes]], object], *, mode: int = 0o666) -> Path:
    """Let ``fill`` write a temporary file, then put it in place at once; return the path.

    The folder is made if it is missing. Whatever ``fill`` raises passes through, and the temporary file is gone.
    ``fill`` may read back what it wrote. In a store the file is sent when all of it is there: until then the store has
    the old one, or none. A device or a pipe, as /dev/null and /dev/stdout, is written to and stays what it is.

    Args:
        path: The file.
        fill: Writes to the stream it is given.
        mode: Who may read and write the file, less what the umask takes away: by default as for any new file.

    Raises:
        OSError: the folder or the file cannot be written.
    """
    if is_remote(path):
        return _send_whole(path, fill)
    if not path.name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with naming(path):
        return _send_to_device(path, fill) if _is_device(path) else _put_in_place(path, fill, mode)


def write_text(path: Path, text: str) -> Path:
    """Write a text as UTF-8, as write_whole does."""
    return write_whole(path, lambda stream: stream.write(text.encode()))


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an error of the system say which file it is about: a write that fails does not.

    Raises:
        OSError: as it came, with the path where it had none.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
        raise


def _put_in_place(path: Path, fill: Callable[[IO[bytes]], object], mode: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        with open(part, "x+b", opener=lambda name, flags: os.open(name, flags, mode)) as stream:
            fill(stream)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _is_device(path: Path) -> bool:
    """Say whether a name is that of a device, a pipe, or an open file of this process, as /dev/stdout is."""
    if path.is_symlink() and str(path.readlink()).startswith(("/proc/", "/dev/", "fd/")):
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


def _send_to_device(path: Path, fill: Callable[[IO[bytes]], object]) -> Path:
    with tempfile.TemporaryFile() as stream:
        fill(stream)
        stream.seek(0)
        with path.open("wb") as device:
            shutil.copyfileobj(stream, device)
    return path


def _send_whole(path: Path, fill: Callable[[IO[bytes]], object]) -> Path:
    store, key = store_of(path)
    with tempfile.TemporaryDirectory(prefix="marginface-") as folder:
        part = Path(folder) / "part"
        with part.open("x+b") as stream:
            fill(stream)
        store.put_file(str(part), key)
    return path
