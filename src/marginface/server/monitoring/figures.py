"""What the workers of a service count, each in memory of its own; several share a folder of mapped files.

prometheus_client decides by an environment variable, when it is first imported, whether figures are shared. So
``shared_folder`` sets it before the workers start, and workers are new processes.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REFUSALS = {
    401: "key",
    403: "scope",
    408: "slow",
    413: "size",
    421: "host",
    429: "rate",
    503: "overload",
}


class Figures:
    """The figures of one worker."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        of_route = ("method", "route")
        self._requests = Counter(
            "marginface_requests", "Requests that were answered.", (*of_route, "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "marginface_request_seconds",
            "From the headers of a request to the end of its answer.",
            of_route,
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._refusals = Counter(
            "marginface_refusals", "Requests that were refused, by why.", ("reason",), registry=self.registry
        )
        self._undecoded = Counter(
            "marginface_undecoded_photos", "Photos that were not decoded, by why.", ("reason",), registry=self.registry
        )
        self._running = Gauge(
            "marginface_requests_running",
            "Requests that are being answered.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )
        self._depth = Gauge(
            "marginface_work_depth",
            "Computations that run or wait for a thread.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )

    def began(self) -> None:
        """Count a request that begins."""
        self._running.inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that ends.

        Args:
            method: Of HTTP; one that is none counts as ``other``: whoever asks must not be able to make figures.
            route: Its template, as /v1/collections/{collection}; ``none`` for a path that is not there.
            status: Of the answer; 0: the connection broke before there was one.
            seconds: How long it took.
        """
        known = method if method in _METHODS else "other"
        self._running.dec()
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(known, route).observe(seconds)
        if status in _REFUSALS:
            self._refusals.labels(_REFUSALS[status]).inc()

    def undecoded(self, reason: str) -> None:
        """Count a photo that was not decoded: too_large, unreadable, slow or crashed."""
        self._undecoded.labels(reason).inc()

    def depth(self, count: int) -> None:
        """Note how many computations run or wait in this worker."""
        self._depth.set(count)


@contextmanager
def shared_folder(workers: int) -> Iterator[None]:
    """Let the workers that are started within share their figures, if there are several."""
    if workers < 2:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="marginface-figures-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        try:
            yield
        finally:
            os.environ.pop(FOLDER_VARIABLE, None)
