"""Archives that wait for their job: sealed files in a folder beside the gallery, which its owner alone can read."""

from __future__ import annotations

import io
import os
import re
import secrets
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from anyio import to_thread

from marginface.errors import DataError, StorageError
from marginface.gallery.envelope import SealedReader, SealedWriter
from marginface.server.jobs.records import TooManyJobs

_NAME = re.compile(r"j-[0-9a-f]{16}\.[0-9a-f]{8}")
_AT_ONCE = 1 << 20  # bytes that are sealed and written together
_BUFFER = 1 << 16


class Spool:
    """A folder of sealed archives, each named after its job."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def receive(self, job: str, chunks: AsyncIterator[bytes], passphrase: str) -> str:
        """Seal an archive that comes in chunks into a new file; return the file's name. What fails leaves no file.

        Raises:
            StorageError: The disk is full or cannot be written.
        """
        path = self._folder / f"{job}.{secrets.token_hex(4)}"
        stream = await to_thread.run_sync(_new_file, path)
        try:
            with stream:
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

    def require_room(self, most: int) -> None:
        """Raise TooManyJobs if so many archives lie here already, or are being sent."""
        if self._folder.is_dir() and len(list(self._folder.iterdir())) >= most:
            raise TooManyJobs(f"{most} archives wait for their jobs already; come again when one is over")

    def sweep(self, wanted: Collection[str]) -> int:
        """Delete the archives that no job needs any more; return how many.

        Args:
            wanted: Names of archives, and ids of jobs to which one is being sent.
        """
        if not self._folder.is_dir():
            return 0
        ours = [path for path in self._folder.iterdir() if _NAME.fullmatch(path.name)]
        unwanted = [path for path in ours if path.name not in wanted and path.stem not in wanted]
        for path in unwanted:
            path.unlink(missing_ok=True)
        return len(unwanted)


def _new_file(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
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
