"""Archives that wait for their job: sealed files in a folder beside the gallery, which its owner alone can read.

The name of a file says its job and, as a hash, who sends it. While it is sent it is locked, over all workers: a lock
ends with the process that holds it, so what a worker that was killed has left is known by that, and deleted.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from anyio import to_thread

from marginface.errors import DataError, StorageError
from marginface.gallery.archives.envelope import SealedReader, SealedWriter
from marginface.server.jobs.records import AlreadySending, Places

_NAME = re.compile(r"(?P<job>j-[0-9a-f]{16})\.[0-9a-f]{8}(\.[0-9a-f]{16})?")
_SETTLED = 60.0  # seconds after which a file that nobody sends is an archive that waits, or was left behind
_AT_ONCE = 1 << 20  # bytes that are sealed and written together
_BUFFER = 1 << 16


class Spool:
    """A folder of sealed archives, each named after its job and who sent it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def receive(self, job: str, sender: str, chunks: AsyncIterator[bytes], passphrase: str) -> str:
        """Seal an archive that comes in chunks into a new file; return the file's name. What fails leaves no file.

        Args:
            job: For which it is.
            sender: Who sends it: one archive at a time.
            chunks: Its bytes.
            passphrase: What it is sealed with.

        Raises:
            AlreadySending: Another archive of the sender is on its way.
            StorageError: The disk is full or cannot be written.
        """
        path = self._folder / f"{job}.{secrets.token_hex(4)}.{_short(sender)}"
        stream = await to_thread.run_sync(_new_file, path)
        try:
            with stream:
                self._require_alone(path)
                writer = await to_thread.run_sync(SealedWriter, stream, passphrase)
                async for chunk in _gathered(chunks):
                    await to_thread.run_sync(writer.write, chunk)
                await to_thread.run_sync(_finish, writer, stream)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise StorageError(f"the archive cannot be kept: {error.strerror or error}. Send it again later") from None
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path.name

    @contextmanager
    def opened(self, name: str, passphrase: str) -> Iterator[BinaryIO]:
        """Give an archive in clear, to be read at any place; nothing of it is written anywhere.

        Raises:
            DataError: It is gone or damaged.
        """
        try:
            stream = (self._folder / name).open("rb")
        except OSError as error:
            raise DataError(f"the archive of the job cannot be read: {error.strerror}. Send it again") from None
        with stream:
            yield io.BufferedReader(SealedReader(stream, passphrase, "the archive of the job"), _BUFFER)

    def require_room(self, sender: str, places: Places) -> None:
        """Raise TooManyJobs if so many archives lie here already, or are being sent."""
        there = list(self._folder.iterdir()) if self._folder.is_dir() else []
        own = [path for path in there if path.suffix == f".{_short(sender)}"]
        places.require(len(there), len(own), "archives")

    def sweep(self, wanted: Collection[str]) -> int:
        """Delete the archives that no job needs any more; return how many.

        One that is being sent stays until it is there, though its job was cancelled: it takes up the disk until then,
        and is counted as long as it is seen.

        Args:
            wanted: Names of archives, and ids of jobs to which one is being sent.
        """
        if not self._folder.is_dir():
            return 0
        ours = [(path, found["job"]) for path in self._folder.iterdir() if (found := _NAME.fullmatch(path.name))]
        unneeded = [(path, job) for path, job in ours if path.name not in wanted]
        unwanted = [path for path, job in unneeded if job not in wanted or _has_settled(path)]
        return sum(_delete_unsent(path) for path in unwanted)

    def _require_alone(self, mine: Path) -> None:
        """Raise AlreadySending if another file of the same sender is being written."""
        others = (path for path in self._folder.glob(f"*{mine.suffix}") if path != mine)
        if any(_is_sent(path) for path in others):
            raise AlreadySending("you are sending another archive; send this one when that is there")


def _short(sender: str) -> str:
    return hashlib.sha256(f"marginface sender|{sender}".encode()).hexdigest()[:16]


def _is_sent(path: Path) -> bool:
    """Say whether a file is being written, by whichever process."""
    with suppress(FileNotFoundError), path.open("rb") as stream:
        return not _is_free(stream)
    return False


def _delete_unsent(path: Path) -> bool:
    """Delete a file that nobody is writing; say whether it was.

    It is locked meanwhile: who has just made it and locks it after this finds that it has gone, and makes another.
    """
    with suppress(FileNotFoundError), path.open("rb") as stream:
        if _is_free(stream):
            path.unlink()
            return True
    return False


def _is_free(stream: BinaryIO) -> bool:
    """Say whether nobody writes a file; nobody begins to before it is closed."""
    try:
        fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _has_settled(path: Path) -> bool:
    """Say whether a file has not changed for a while."""
    with suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime > _SETTLED
    return False


def _new_file(path: Path) -> BinaryIO:
    """Make a file and lock it; one that was deleted before it was locked is made again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            stream = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
            fcntl.flock(stream, fcntl.LOCK_EX)
            if os.fstat(stream.fileno()).st_nlink:
                return stream
            stream.close()
    except OSError as error:
        raise StorageError(f"{path.parent}: an archive cannot be kept there: {error.strerror}") from None


def _finish(writer: SealedWriter, stream: BinaryIO) -> None:
    writer.finish()
    stream.flush()
    os.fsync(stream.fileno())


async def _gathered(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Give chunks in pieces that are worth a thread."""
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        if len(waiting) >= _AT_ONCE:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)
