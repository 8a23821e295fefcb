"""A job: a source cut into shards, the work, and a folder that says what is to be in it and what is."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from marginface.batch.executors import Executor
from marginface.batch.report import BatchReport
from marginface.batch.shard import Mark, Order, Shard, read_mark
from marginface.batch.work import Work
from marginface.data.images.encoded import DivisibleImages, Progress, index_fingerprint
from marginface.data.images.unfinished import read_state, write_state
from marginface.defaults import PER_SHARD
from marginface.errors import DataError, InputError
from marginface.locations import store_errors_told

_READERS = 16  # marks that are read at once


def run(
    images: DivisibleImages,
    work: Work,
    destination: Path,
    to: str,
    *,
    executor: Executor,
    per_shard: int = PER_SHARD,
    command: str = "",
    progress: Progress | None = None,
) -> BatchReport:
    """Do the work on every image and write the results in shards.

    The same call goes on where an earlier one ended, however it ended, also with another executor: shards that are
    marked as done are left as they are. Until all are, no command takes the folder for data.

    Args:
        images: the source; every worker must be able to read it.
        work: what is done to an image.
        destination: a new or empty folder of any store, or that of an earlier call.
        to: a format of the work's.
        executor: who makes the shards.
        per_shard: images of the source that make a shard.
        command: what the user typed, to be typed again by who goes on; "": this was no command.
        progress: called with (images done, all) after each shard.

    Raises:
        UnknownName: the work has no such format.
        InputError: the folder holds something else.
        DataError: the folder holds another job, or no image gave anything.
        OSError: the source or the destination fails.
    """
    if per_shard < 1:
        raise InputError(f"a shard has at least 1 image; got {per_shard}")
    total = len(images.listing.labels)
    facts = _facts(images, work, to, per_shard)
    order = Order(
        work=work,
        destination=str(destination),
        to=to,
        stamp=hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest(),
        shards=-(-total // per_shard),
        identities=images.listing.identities,
    )
    order.file(0)  # raises UnknownName
    with store_errors_told(str(destination)):
        _open(destination, {**facts, "go_on": command})
        marks = _marks(destination, order)
        done_before = sum(mark.images for mark in marks.values())
        missing = [_shard(images, number, per_shard) for number in range(order.shards) if number not in marks]
        for mark in executor.make(order, missing) if missing else ():
            marks[mark.number] = mark
            if progress is not None:
                progress(sum(mark.images for mark in marks.values()), total)
        inorder = tuple(marks[number] for number in range(order.shards))
        return _finish(BatchReport(destination, facts, inorder, done_before, images.listing.left_out))


def _facts(images: DivisibleImages, work: Work, to: str, per_shard: int) -> dict[str, Any]:
    """Return all that decides what is written."""
    return {
        "work": work.name,
        "to": to,
        "source": images.listing.origin,
        "images": len(images.listing.labels),
        "per_shard": per_shard,
        "fingerprint": index_fingerprint(images.listing),
        "settings": work.settings(),
    }


def _open(destination: Path, state: dict[str, Any]) -> None:
    """Say in the folder what is to be there; refuse one that holds something else."""
    before = read_state(destination)
    if before is None:
        if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
            raise InputError(
                f"{destination}: expected a new or empty folder, or that of an interrupted job; it holds other files"
            )
        write_state(destination, {**state, "finished": False})
        return
    for key in ("work", "to", "fingerprint", "per_shard", "settings"):
        if before.get(key) != state[key]:
            raise DataError(
                f"{destination}: holds what was made of {before.get('source')}. Its {key} is {before.get(key)}; got "
                f"{state[key]}. Choose another folder"
            )


def _marks(destination: Path, order: Order) -> dict[int, Mark]:
    """Return the marks of the shards that are done."""
    with ThreadPoolExecutor(_READERS) as pool:
        found = pool.map(lambda number: read_mark(destination, number, order.stamp), range(order.shards))
        return {mark.number: mark for mark in found if mark is not None}


def _shard(images: DivisibleImages, number: int, per_shard: int) -> Shard:
    first = number * per_shard
    indices = np.arange(first, min(first + per_shard, len(images.listing.labels)))
    return Shard(number, first, images.listing.labels[indices], images.part(indices))


def _finish(report: BatchReport) -> BatchReport:
    """Write what says that all is done, the state last."""
    if report.made == 0:
        entry = next(report.left_out)
        raise DataError(f"no image of {report.facts['source']} gave anything, such as {entry.image}: {entry.note}")
    report.write()
    write_state(report.destination, {**report.facts, "finished": True})
    return report
