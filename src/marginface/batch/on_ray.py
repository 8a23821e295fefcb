"""Shards on Ray Data: a task each, on a cluster or on a few workers of this machine.

Ray moves only the small part of the listing that a shard needs; images go from store to worker and shards back. A
worker that dies is replaced and its shard made again: what it had marked is not. A shard at which workers die again and
again ends the job with its name.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from marginface.batch.shard import Mark, Order, Shard, make_shard, mark_path
from marginface.defaults import DEFAULT_WORKERS
from marginface.errors import DataError, InputError, MarginfaceError, MissingExtra
from marginface.files import write_bytes
from marginface.locations import location

_DEATHS = 3  # of workers at one shard, after which it is not tried again
_PATIENCE = 10  # seconds for a cluster to answer
_OBJECT_STORE = 200_000_000  # bytes of a cluster of our own: nothing large goes through it


@dataclass(frozen=True, slots=True)
class OnRay:
    """Make shards on Ray Data.

    Attributes:
        address: Of a running cluster: "auto", HOST:PORT or ray://HOST:PORT; "" starts one on this machine.
        workers: Processes of a cluster on this machine; a running cluster decides by its CPUs, one per shard.
    """

    address: str = ""
    workers: int = DEFAULT_WORKERS

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise InputError(f"workers is at least 1; got {self.workers}")

    def make(self, order: Order, shards: Sequence[Shard]) -> Iterator[Mark]:
        """Make these shards.

        Raises:
            MissingExtra: Ray is not installed.
            DataError: a worker says why it cannot go on, or no cluster answers.
        """
        ray = load_ray(stays_here=not self.address)
        with _cluster(ray, self.address, self.workers):
            rows = ray.data.from_items([{"shard": shard} for shard in shards], override_num_blocks=len(shards))
            yield from _marks(ray, rows.map(partial(_row_of, order, secrets.token_hex(8)), num_cpus=1))


def load_ray(*, stays_here: bool) -> Any:
    """Return Ray with Ray Data, its usage reports off; raise MissingExtra if it is not installed.

    ``stays_here`` keeps a cluster of this machine off the network, which Ray does by itself on macOS and Windows alone:
    whoever reaches a cluster can run code on it.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if stays_here:
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # read when Ray is imported
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtra(f"the executor ray needs Ray Data: pip install 'marginface[ray]' ({error})") from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    return ray


@contextmanager
def _cluster(ray: Any, address: str, workers: int) -> Iterator[None]:
    """Connect to a cluster, or start one; one that this process is connected to already is used and left as it is."""
    if ray.is_initialized():
        yield
        return
    own = {"num_cpus": workers, "object_store_memory": _OBJECT_STORE, "include_dashboard": False}
    where = {"address": address} if address else {"address": "local", **own}
    try:
        _check_answers(address)
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **where)
    except (OSError, RuntimeError, ValueError) as error:
        raise DataError(
            f"no Ray cluster answers at {address or '127.0.0.1'}: {str(error).rstrip('.')}. Start one with ray start "
            "--head, or leave --address out to use workers of this machine"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Raise OSError or ValueError unless something listens at HOST:PORT: Ray itself would try for many minutes."""
    if address not in ("", "auto", "local"):
        host, _, port = address.removeprefix("ray://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=_PATIENCE):
            pass


def _row_of(order: Order, run: str, row: dict[str, Any]) -> dict[str, str]:
    """Make a shard in a worker; what is wrong goes back as a sentence."""
    shard: Shard = row["shard"]
    try:
        _note_try(order, run, shard)
        return {"mark": make_shard(order, shard, threads=1).to_json(), "error": ""}
    except (MarginfaceError, OSError) as error:
        return {"mark": "", "error": f"shard {shard.number}: {error}"}


def _note_try(order: Order, run: str, shard: Shard) -> None:
    """Count, beside the marks, how often this run has begun a shard; Ray itself would try for ever.

    Raises:
        DataError: so often that the shard must be what kills the workers.
    """
    path = mark_path(location(order.destination), shard.number).with_suffix(".tries")
    try:
        before = path.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        before = []
    tries = int(before[1]) if before[:1] == [run] else 0
    if tries >= _DEATHS:
        first, last = (shard.images.place(index) for index in (0, len(shard.labels) - 1))
        raise DataError(
            f"{tries} workers died at it. Is there enough memory for each? Or one of these images kills its decoder: "
            f"{first} to {last}"
        )
    write_bytes(path, f"{run} {tries + 1}".encode())


def _marks(ray: Any, done: Any) -> Iterator[Mark]:
    try:
        for row in done.iter_rows():
            if row["error"]:
                raise DataError(f"{row['error']}. What is done is kept: the same command goes on")
            yield Mark.from_json(row["mark"])
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(
            f"a shard was not made, for its workers died or the cluster went away: {reason}. What is done is kept: "
            "the same command goes on"
        ) from None
