"""Archives on the disk: who sends one is known over all processes, and what a killed one has left goes."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

import anyio
import pytest

from marginface.server.jobs import AlreadySending, Places, Spool, TooManyJobs
from oracles.patience import PATIENCE, at_work

FIRST, SECOND = "j-0123456789abcdef", "j-fedcba9876543210"


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def receive(spool: Spool, job: str, sender: str) -> str:
    return anyio.run(spool.receive, job, sender, chunks(b"an archive"), "a passphrase")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def test_an_archive_that_is_there_keeps_nobody_from_sending_the_next(spool: Spool) -> None:
    names = {receive(spool, job, "a key") for job in (FIRST, SECOND)}
    assert len(names) == 2
    with spool.opened(next(iter(names)), "a passphrase") as stream:
        assert stream.read() == b"an archive"


def test_one_archive_of_a_sender_at_a_time(spool: Spool, tmp_path: Path) -> None:
    async def both() -> None:
        async def meanwhile() -> AsyncIterator[bytes]:
            yield bytes(2 << 20)
            with pytest.raises(AlreadySending):
                await spool.receive(SECOND, "a key", chunks(b"no"), "a passphrase")
            assert await spool.receive(SECOND, "another key", chunks(b"yes"), "a passphrase")
            assert spool.sweep({FIRST, SECOND}) == 0

        await spool.receive(FIRST, "a key", meanwhile(), "a passphrase")

    anyio.run(both)
    assert len(list((tmp_path / "spool").iterdir())) == 2, "what was refused is gone"


def test_what_is_sent_for_a_job_that_was_cancelled_holds_its_place_until_it_ends(spool: Spool, tmp_path: Path) -> None:
    """Were its file gone at once, its bytes were still on the disk, and counted nowhere."""

    async def sent() -> None:
        async def meanwhile() -> AsyncIterator[bytes]:
            yield bytes(2 << 20)
            assert spool.sweep(set()) == 0
            with pytest.raises(TooManyJobs):
                spool.require_room("a key", Places(9, 1))
            with pytest.raises(AlreadySending):
                await spool.receive(SECOND, "a key", chunks(b"no"), "a passphrase")

        await spool.receive(FIRST, "a key", meanwhile(), "a passphrase")

    anyio.run(sent)
    assert spool.sweep(set()) == 1
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_file_that_is_swept_before_it_is_locked_is_made_again(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes would be counted nowhere while they come, and gone when they are there."""
    really, swept = fcntl.flock, list[int]()

    def late(file: BinaryIO, operation: int) -> None:
        if operation == fcntl.LOCK_EX and not swept:
            swept.append(spool.sweep(set()))
        really(file, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    name = receive(spool, FIRST, "a key")
    assert swept == [1]
    assert [path.name for path in (tmp_path / "spool").iterdir()] == [name]
    with spool.opened(name, "a passphrase") as stream:
        assert stream.read() == b"an archive"


def test_nobody_begins_to_write_a_file_while_it_is_swept(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    receive(spool, FIRST, "a key")
    really, begun = Path.unlink, list[bool]()

    def slow(path: Path, missing_ok: bool = False) -> None:
        with path.open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                begun.append(False)
            else:
                begun.append(True)
        really(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", slow)
    assert spool.sweep(set()) == 1
    assert begun == [False]


SENDS = """
import anyio, sys
from pathlib import Path
from marginface.server.jobs.spool import Spool

async def endless():
    while True:
        yield bytes(1 << 20)
        print("sent", flush=True)
        await anyio.sleep(60)

anyio.run(Spool(Path(sys.argv[1])).receive, sys.argv[2], "a key", endless(), "a passphrase")
"""


def test_what_a_killed_process_was_sending_holds_no_place(spool: Spool, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SENDS, str(tmp_path / "spool"), FIRST]
    with at_work(subprocess.Popen(command, stdout=subprocess.PIPE)) as sends:
        assert sends.stdout is not None
        assert sends.stdout.readline()
        with pytest.raises(AlreadySending):
            receive(spool, SECOND, "a key")
        (half,) = (tmp_path / "spool").iterdir()
        hour_ago = time.time() - 3600
        os.utime(half, (hour_ago, hour_ago))
        assert spool.sweep({FIRST}) == 0, "it is being sent"
        sends.kill()
        sends.wait(PATIENCE)
    name = receive(spool, SECOND, "a key")
    assert spool.sweep({FIRST, SECOND}) == 1
    assert [path.name for path in (tmp_path / "spool").iterdir()] == [name]
