"""How long a test waits for what must come, and a port for what a test starts.

Nothing in the tests waits without an end (tests/architecture/test_waiting.py), and no end depends on a fast machine:
what comes within seconds here comes within PATIENCE on a machine ten times slower. Who waits in vain fails with words.
"""

from __future__ import annotations

import random
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

PATIENCE = 120.0  # seconds
PORTS = (20_000, 32_000)  # below those that Linux, macOS and Windows give to a connection that names none
Found = TypeVar("Found")
Process = TypeVar("Process", bound=subprocess.Popen[Any])
chance = random.SystemRandom()  # two processes of tests draw different ports, whatever seed a test has set


def wait_for(what: Callable[[], Found], said: str = "it does not come", pause: float = 0.05) -> Found:
    """Ask again and again until the answer is true; return it."""
    until = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < until, f"{said} within {PATIENCE:g} s"
        time.sleep(pause)
    return found


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody has; nobody is given it by chance until it is bound."""
    for _ in range(1000):
        port = chance.randrange(*PORTS)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError(f"no port from {PORTS[0]} to {PORTS[1]} is free")


def answer_of(url: str, process: subprocess.Popen[bytes]) -> bytes:
    """Ask a process that was started as a service until it answers; fail at once where it has ended."""

    def ask() -> bytes:
        assert process.poll() is None, f"the service has ended with {process.returncode}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return bytes(answer.read())
        except OSError:
            return b""

    return wait_for(ask, f"{url} does not answer")


@contextmanager
def at_work(process: Process) -> Iterator[Process]:
    """Kill a process at the end, however the test ends; leaving Popen itself waits until it ends by itself."""
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def stopped_at_the_end(process: Process) -> Iterator[None]:
    """Tell a service to stop at the end and wait until it has; one that does not is killed, and the test fails."""
    with at_work(process):
        yield
        process.terminate()
        process.wait(PATIENCE)
