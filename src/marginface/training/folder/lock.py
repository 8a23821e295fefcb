"""One process at a time in a folder: a second one is told who is there, and may wait.

The lock is the operating system's, on a file in the folder, and ends with the process however that ends: a file that a
killed process left behind locks nothing. Where a file system has no locks, nothing is locked.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from marginface.errors import FolderBusy
from marginface.files import naming

LOCK = ".lock"
_PATIENCE = 0.5  # seconds: another process may be looking who is there
_POLL = 0.1

if sys.platform == "win32":
    import msvcrt

    def _lock(stream: TextIO) -> None:
        """Lock a byte that nobody writes; raise PermissionError if it is taken."""
        os.lseek(stream.fileno(), 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise PermissionError(*error.args) from None

else:
    import fcntl

    def _lock(stream: TextIO) -> None:
        """Lock the file; raise BlockingIOError if it is taken."""
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is at work in a folder; process 0 is one that has not yet said."""

    work: str
    process: int

    def __str__(self) -> str:
        return f"process {self.process}" if self.process else "a process that has just begun"


@contextmanager
def held(folder: Path, work: str, *, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold a folder for this process while the block runs.

    Args:
        folder: must exist.
        work: what is done there, as ``compare``, for the message that another gets.
        patience: seconds to wait until it is free; infinity waits for as long as it takes.

    Raises:
        FolderBusy: another process, or another block of this one, is at work there.
    """
    stream = _taken(folder, work, time.monotonic() + patience)
    try:
        yield
    finally:
        with suppress(OSError):  # Windows deletes no open file: it stays, and locks nothing
            (folder / LOCK).unlink()
        stream.close()


def holder(folder: Path) -> Holder | None:
    """Return who is at work in a folder, or None."""
    with suppress(FileNotFoundError, NotADirectoryError), (folder / LOCK).open("r+", encoding="utf-8") as stream:
        if not _is_mine(stream):
            return _said(stream)
    return None


def check_free(folder: Path) -> None:
    """Raise FolderBusy if somebody is at work in a folder."""
    found = holder(folder)
    if found is not None:
        raise _busy(folder, found)


def holds_only_a_lock(folder: Path) -> bool:
    """Say whether a folder has nothing in it but what a process at work, or a killed one, has not put in place."""
    return all(path.name == LOCK or (path.name[0] == "." and path.suffix == ".part") for path in folder.iterdir())


def _taken(folder: Path, work: str, deadline: float) -> TextIO:
    while True:
        stream = (folder / LOCK).open("a+", encoding="utf-8")
        if _is_mine(stream) and _is_in_place(stream, folder):
            _sign(stream, f"{work} {os.getpid()}\n")
            return stream
        found = _said(stream)
        stream.close()
        if time.monotonic() >= deadline:
            raise _busy(folder, found)
        time.sleep(_POLL)


def _sign(stream: TextIO, text: str) -> None:
    """Say in the file who holds it; where the disk is full the file is closed, and free."""
    try:
        with naming(Path(stream.name)):
            stream.truncate(0)
            os.write(stream.fileno(), text.encode())
    except OSError:
        stream.close()
        raise


def _is_mine(stream: TextIO) -> bool:
    """Try to lock a file; a file system without locks lets everybody in."""
    try:
        _lock(stream)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def _is_in_place(stream: TextIO, folder: Path) -> bool:
    """Say whether the locked file is still that of the folder: who held it before has deleted it."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), (folder / LOCK).stat())
    except FileNotFoundError:
        return False


def _said(stream: TextIO) -> Holder:
    stream.seek(0)
    work, _, process = stream.read().strip().rpartition(" ")
    return Holder(work, int(process)) if work and process.isdigit() else Holder("process", 0)


def _busy(folder: Path, found: Holder) -> FolderBusy:
    return FolderBusy(
        f"another {found.work} is at work in {folder} ({found}). Wait until it has ended, or choose another folder for "
        "--out."
    )
