"""A decoder to which a photo is an order: ``python -m oracles.dying_decoder MEMORY SECONDS``, in the place of ours.

A content that ends with ``crash`` ends the process, ``hang`` keeps it, ``eat`` wants more memory than there is,
``late`` ends it after its answer, ``half`` within it, ``lie`` promises more pixels than were allowed, ``code`` answers
a pickle, ``open`` opens what it can, ``spy`` tells what it knows of its parent's environment. Others are photos.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from marginface.server.decoding import program

answer_to = program.answer_to


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def told(text: str) -> tuple[bytes, bytes]:
    return program.ANSWER.pack(program.REFUSED, 0, len(text)), text.encode()


def half() -> Iterator[bytes]:
    yield program.ANSWER.pack(program.IMAGE, 100, 100)
    yield bytes(100)
    die()


def opened() -> str:
    found: list[object] = []
    with suppress(OSError):
        found.append(Path(__file__).read_bytes()[:10])
    with suppress(OSError):
        found.append(socket.socket())
    with suppress(OSError):
        os.dup2(0, 2)
        found.append(os.dup(0))
    return "nothing opens" if not found else f"opened {found}"


def obeyed(content: bytes, pixels: int) -> object:
    if content.endswith(b"crash"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if content.endswith(b"hang"):
        time.sleep(60)
    if content.endswith(b"eat"):
        try:
            return told(f"had {len(bytes(8 << 30))} bytes")
        except MemoryError:
            return told("no memory")
    if content.endswith(b"late"):
        threading.Timer(0.4, die).start()
        return told("dies in a moment")
    if content.endswith(b"half"):
        return half()
    if content.endswith(b"lie"):
        return program.ANSWER.pack(program.IMAGE, 60_000, 60_000), bytes(10)
    if content.endswith(b"code"):
        return (pickle.dumps(print),)
    if content.endswith(b"open"):
        return told(opened())
    if content.endswith(b"spy"):
        return told(" ".join(sorted(os.environ)))
    return answer_to(content, pixels)


program.answer_to = obeyed  # type: ignore[assignment]

if __name__ == "__main__":
    program.main(int(sys.argv[1]), float(sys.argv[2]))
