"""A service that runs on a port of this machine while a test looks at it, in a thread of the same process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from oracles.patience import PATIENCE, wait_for


@contextmanager
def running(
    app: FastAPI, *, http: type[asyncio.Protocol] | str = "h11", limit_concurrency: int | None = None
) -> Iterator[str]:
    """Serve an application on a free port of loopback; give its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        options = uvicorn.Config(
            app, log_config=None, lifespan="on", ws="none", http=http, limit_concurrency=limit_concurrency
        )
        server = uvicorn.Server(options)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        wait_for(lambda: server.started, "the service did not start", pause=0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
