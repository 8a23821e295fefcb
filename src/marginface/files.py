"""Writing a file so that it is there whole or not at all; reading one so that no link leads out of its folder."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from marginface.errors import InputError
from marginface.locations import is_remote, store_of

_LONGEST_NAME = 200  # bytes


def json_bytes(text: str) -> bytes:
    r"""Return JSON text as UTF-8. What a file name holds that is no UTF-8 becomes an escape, which JSON reads back.

    >>> json_bytes('"a\udcff"')
    b'"a\\udcff"'
    """
    return text.encode("utf-8", "backslashreplace")


def write_json(path: Path, value: Any) -> Path:
    """Write plain values as a JSON file that people can read too, whole or not at all; see write_whole."""
    return write_bytes(path, json_bytes(json.dumps(value, indent=2, ensure_ascii=False) + "\n"))


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file of these bytes, whole or not at all; see write_whole."""
    return write_whole(path, lambda stream: stream.write(content))


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


def is_inside(root: Path, path: Path) -> bool:
    """Say whether a file or folder is, all links followed, in a folder that is given without links."""
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a link to itself
        return False


def folders_below(
    root: Path, left_out: Callable[[str], bool], is_end: Callable[[Path], bool] = lambda _: False
) -> Iterator[Path]:
    """Yield a folder and those below it, by name, however deep they lie; a link to a folder is not followed.

    What may not be listed, or is gone meanwhile, is left out; those beside it are looked at.

    Args:
        root: The folder.
        left_out: Whether a folder of this name, and all below it, is not looked at; the root always is.
        is_end: Whether nothing below a folder is wanted.
    """
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                inner = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        except OSError:
            continue
        yield folder
        if not is_end(folder):
            waiting += [folder / name for name in reversed(inner) if not left_out(name)]


def is_hidden(name: str) -> bool:
    """Say whether a file or folder of this name is not meant to be seen."""
    return name.startswith(".")


def shown_folders(root: Path) -> list[Path]:
    """Return the folders directly in a folder, by name; .git, .thumbnails and their like are nobody's photos."""
    return sorted(entry for entry in root.iterdir() if entry.is_dir() and not is_hidden(entry.name))


def read_inside(root: Path, path: Path, *, most: int) -> bytes:
    """Return the content of a file that belongs to a folder, whatever links somebody puts in its way meanwhile.

    Links are followed once, to find where the file is. There it is opened folder by folder, and none of them, nor the
    file, may have become a link by then.

    Args:
        root: The folder, as Path.resolve() gives it.
        path: The file; a link within the folder will do.
        most: Bytes; a larger file is refused.

    Raises:
        InputError: It leads out of the folder, is no plain file (a pipe would be waited for), or is too large.
        OSError: It is not there, or may not be read.
    """
    place = Path(os.path.realpath(path))
    if not place.is_relative_to(root):
        raise InputError(
            f"{path}: it is a link that leads out of {root}, and only what is in there is read. Put the file itself "
            "there"
        )
    with open(place, "rb", opener=lambda *_: _opened_below(root, place)) as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path}: expected a file; got something else, as a folder or a pipe")
        if found.st_size > most:
            raise InputError(f"{path}: expected at most {most:,} bytes; got {found.st_size:,}")
        return stream.read(most)


def _opened_below(root: Path, place: Path) -> int:
    """Return the descriptor of a file below a folder, to read it; raise OSError where a link is on the way."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    if os.open not in os.supports_dir_fd:  # Windows, where links are for administrators
        return os.open(place, flags)
    through = os.O_DIRECTORY | os.O_NOFOLLOW | getattr(os, "O_PATH", os.O_RDONLY)
    *folders, name = place.relative_to(root).parts or (".",)
    inner = os.open(root, through)
    try:
        for folder in folders:
            outer, inner = inner, os.open(folder, through, dir_fd=inner)
            os.close(outer)
        return os.open(name, flags, dir_fd=inner)
    finally:
        os.close(inner)


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
        return _send_to_device(path, fill) if is_device(path) else _put_in_place(path, fill, mode)


def write_text(path: Path, text: str) -> Path:
    """Write a text as UTF-8, as write_whole does."""
    return write_bytes(path, text.encode())


@contextmanager
def naming(path: Path, part: Path | None = None) -> Iterator[None]:
    """Let an error of the system say which file it is about: a write that fails does not.

    Args:
        path: The file that was asked for.
        part: A temporary one beside it, whose name would tell nobody anything.

    Raises:
        OSError: as it came, with the path where it had none, or that of ``part``.
    """
    try:
        yield
    except OSError as error:
        if error.errno is not None and (error.filename is None or str(error.filename) == str(part)):
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
        raise


def _put_in_place(path: Path, fill: Callable[[IO[bytes]], object], mode: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{_beginning(path.name)}.{secrets.token_hex(6)}.part")
    with naming(path, part):
        try:
            with open(part, "x+b", opener=lambda name, flags: os.open(name, flags, mode)) as stream:
                fill(stream)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return path


def _beginning(name: str) -> str:
    """Return as much of a file's name as leaves room for what a temporary one has besides: a name is of 255 bytes."""
    return os.fsencode(name)[:_LONGEST_NAME].decode(errors="ignore")


def is_device(path: Path) -> bool:
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
