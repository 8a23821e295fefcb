"""The load of benchmarks/server.py: N clients that ask without a pause, in a process of their own.

It reads a job as JSON from its standard input, and writes what came of it as JSON. The clients are bare sockets of one
asyncio loop with keep-alive, which cost little: on the cores of the service a friendlier one would be measured, not it.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

_BOUNDARY = "marginface-benchmark"


@dataclass
class Job:
    """What is asked: a path, so many clients, for so long or so often.

    Attributes:
        parts: name of a part → files; the n-th request takes the n-th of each.
        unique: append bytes to each photo, so that it is a new one to the service (a decoder does not see them).
    """

    host: str
    port: int
    path: str
    key: str
    clients: int
    parts: dict[str, list[str]]
    seconds: float = 0.0
    requests: int = 0
    unique: bool = False


@dataclass
class Outcome:
    """What came of it; latencies in seconds of what was answered 2xx, statuses by how often, acknowledged bodies."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    without_retry_after: int = 0
    latencies: list[float] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)


def multipart(job: Job, number: int) -> bytes:
    """Return the body of the n-th request."""
    pieces = []
    for name, files in job.parts.items():
        content = Path(files[number % len(files)]).read_bytes() + (os.urandom(16) if job.unique else b"")
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="p"\r\n\r\n'
        pieces.append(head.encode() + content + b"\r\n")
    return b"".join(pieces) + f"--{_BOUNDARY}--\r\n".encode()


def request(job: Job, number: int) -> bytes:
    """Return the n-th request; {n} in the path is its number."""
    body = multipart(job, number) if job.parts else b""
    head = [
        f"{'POST' if job.parts else 'GET'} {job.path.replace('{n}', str(number))} HTTP/1.1",
        f"Host: {job.host}:{job.port}",
        f"Authorization: Bearer {job.key}",
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def answered(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(head[0].split()[1]), headers, body


class Load:
    """Clients that share a counter of requests and a clock."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.sent = 0
        self.outcome = Outcome()
        self.statuses: Counter[str] = Counter()
        self.ends = time.monotonic() + job.seconds if job.seconds else float("inf")

    def wants_more(self) -> bool:
        return time.monotonic() < self.ends and (not self.job.requests or self.sent < self.job.requests)

    async def run(self) -> Outcome:
        began, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(*(self.client() for _ in range(self.job.clients)))
        self.outcome.seconds, self.outcome.cpu_seconds = time.monotonic() - began, time.process_time() - cpu
        self.outcome.statuses = dict(self.statuses)
        return self.outcome

    async def client(self) -> None:
        """Ask until it is enough; a connection that breaks is made anew."""
        while self.wants_more():
            try:
                reader, writer = await asyncio.open_connection(self.job.host, self.job.port)
                try:
                    while self.wants_more() and await self.ask(reader, writer):
                        pass
                finally:
                    writer.close()
            except (OSError, asyncio.IncompleteReadError):
                self.statuses["broken"] += 1
                await asyncio.sleep(0.05)

    async def ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        number, self.sent = self.sent, self.sent + 1
        content = request(self.job, number)
        began = time.monotonic()
        writer.write(content)
        await writer.drain()
        status, headers, body = await answered(reader)
        self.statuses[str(status)] += 1
        if 200 <= status < 300:
            self.outcome.latencies.append(time.monotonic() - began)
            if self.job.unique:
                self.outcome.acknowledged += [face["face"] for face in json.loads(body)["faces"]]
        elif status in (429, 503):
            self.outcome.without_retry_after += "retry-after" not in headers
            await asyncio.sleep(0.02)
        return headers.get("connection", "").lower() != "close"


def main() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    job = Job(**json.load(sys.stdin))
    json.dump(asdict(asyncio.run(Load(job).run())), sys.stdout)


if __name__ == "__main__":
    main()
