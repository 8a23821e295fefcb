"""Two workers of one service: what one of them has erased the other does not find."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from marginface.data.synthetic import draw_photo
from oracles.patience import PATIENCE, free_port, stopped_at_the_end

pytestmark = [
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.enable_socket,
    pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="which worker answers is read from /proc"),
]
STAFF = "/v1/collections/staff"
MARK = "0123456789abcdef"


@dataclass
class Worker:
    """A connection that stays open, and so stays with one worker."""

    connection: http.client.HTTPConnection

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> Any:
        self.connection.request(method, path, body, {"Content-Type": kind})
        answer = self.connection.getresponse()
        told = json.loads(answer.read())
        assert answer.status in (200, 201), told
        return told

    def send(self, path: str, name: str, photo: bytes) -> Any:
        head = f'--{MARK}\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n\r\n'
        return self.ask(
            "POST",
            path,
            head.encode() + photo + f"\r\n--{MARK}--\r\n".encode(),
            f"multipart/form-data; boundary={MARK}",
        )

    def process(self, service: int) -> int:
        """Return the process at the other end of the connection."""
        here, there = self.connection.sock.getsockname()[1], self.connection.sock.getpeername()[1]
        inode = inode_of(there, here)
        for process in (service, *children(service)):
            for link in Path(f"/proc/{process}/fd").iterdir():
                if link.is_symlink() and str(link.readlink()) == f"socket:[{inode}]":
                    return process
        raise AssertionError("no process has this connection")


def inode_of(port: int, other: int) -> str:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        ports = [int(field.rsplit(":", 1)[1], 16) for field in fields[1:3]]
        if ports == [port, other]:
            return fields[9]
    raise AssertionError("there is no such connection")


def children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in listed]


@pytest.fixture(scope="module")
def photos() -> list[bytes]:
    """Two photos of one drawn person."""
    made = []
    for take in range(2):
        stream = BytesIO()
        Image.fromarray(draw_photo(1, take, strength=0.1)[0]).save(stream, "JPEG", quality=95)
        made.append(stream.getvalue())
    return made


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int, Path]]:
    """Run a service with two workers; give its process, its port and its log."""
    folder = tmp_path_factory.mktemp("workers")
    port = free_port()
    environment = {**os.environ, "MARGINFACE_CONFIG": str(folder / "config")}
    environment.pop("MARGINFACE_GALLERY_KEY", None)
    marginface = [sys.executable, "-m", "marginface"]
    subprocess.run(
        [*marginface, "gallery", "create", "people.db", "--collection", "staff"],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    serve = [*marginface, "serve", "people.db", "--workers", "2", "--port", str(port), "--limit", "decoders=1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(serve, cwd=folder, env=environment, stdout=log, stderr=log)
        with stopped_at_the_end(process):
            yield process.pid, port, folder / "log"


@pytest.fixture
def both(service: tuple[int, int, Path]) -> Iterator[tuple[Worker, Worker]]:
    """Return a connection to each of the two workers."""
    process, port, _ = service
    found: dict[int, Worker] = {}
    until = time.monotonic() + PATIENCE
    with ExitStack() as open_ones:
        while len(found) < 2:
            assert time.monotonic() < until, "the second worker answers no connection"
            worker = Worker(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE))
            open_ones.callback(worker.connection.close)
            try:
                for each in (worker, *found.values()):  # one that is idle for long would be closed
                    each.ask("GET", "/readyz")
            except OSError:
                time.sleep(0.3)
                continue
            found.setdefault(worker.process(process), worker)
        first, second = found.values()
        yield first, second
        assert [worker.process(process) for worker in (first, second)] == list(found), "a connection was opened anew"


def test_who_is_erased_by_one_worker_is_not_found_by_the_other(
    both: tuple[Worker, Worker], photos: list[bytes]
) -> None:
    one, other = both
    for eraser, finder in ((one, other), (other, one)):
        ann = eraser.ask("POST", f"{STAFF}/persons", b'{"name": "Ann Example"}')["uid"]
        assert eraser.send(f"{STAFF}/persons/{ann}/faces", "images", photos[0])["complete"]
        for worker in both:
            found = worker.send(f"{STAFF}/identify", "image", photos[1])
            assert (found["decision"], found["faces"][0]["uid"]) == ("match", ann)
        assert eraser.ask("DELETE", f"{STAFF}/persons/{ann}")["complete"]
        for worker in (finder, eraser):
            gone = worker.send(f"{STAFF}/identify", "image", photos[1])
            assert (gone["decision"], gone["comparisons"], gone["faces"][0]["candidates"]) == ("no match", 0, [])


def test_the_log_of_the_process_names_nobody(service: tuple[int, int, Path], both: tuple[Worker, Worker]) -> None:
    one, _ = both
    one.ask("POST", f"{STAFF}/persons", b'{"name": "Zoe Unmistakable"}')
    one.ask("GET", f"{STAFF}/persons?q=Unmistakable")
    one.ask("GET", f"{STAFF}/persons/Zoe%20Unmistakable")
    logged = service[2].read_text()
    assert re.search(r"GET /v1/collections/{collection}/persons/{person} 200", logged)
    assert "Unmistakable" not in logged
    assert "Ann" not in logged
