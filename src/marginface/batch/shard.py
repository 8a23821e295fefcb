"""Making one shard, in whatever process: read, work, write whole, mark."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, TypeVar

from marginface.batch.work import Result, Step, Work
from marginface.data.convert.rows import Row
from marginface.data.images.encoded import EncodedImages
from marginface.documents import parse_json
from marginface.errors import ImageError
from marginface.files import json_bytes, write_bytes, write_whole
from marginface.locations import location, store_errors_told
from marginface.values import IntArray

DONE = "done"  # the folder of the marks
_READERS = 8  # images that are fetched at once: a store answers late, but many at a time
_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclass(frozen=True, slots=True)
class Order:
    """What the maker of any shard must know.

    ``stamp`` is the sha256 of the source's listing and of all settings: a mark with another is of another job.
    """

    work: Work
    destination: str
    to: str
    stamp: str
    shards: int
    identities: tuple[str, ...]

    def file(self, number: int) -> str:
        """Return the name of a shard's file."""
        return self.work.formats[self.to].name(number, self.shards)


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """A stretch of the listing: its number, the index of its first image, the labels of its images and the images."""

    number: int
    first: int
    labels: IntArray
    images: EncodedImages


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An image that gave nothing: where it is, what came of it and why."""

    image: str
    outcome: str
    note: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What says that a shard is done: its file (None if no image gave anything), size, sha256, and what came of it."""

    stamp: str
    number: int
    images: int
    file: str | None
    size: int
    sha256: str
    outcomes: dict[str, int]
    left_out: tuple[LeftOut, ...] = ()

    def to_json(self) -> str:
        """Return the content of the mark's file."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Mark:
        """Return the mark of a file; raise ValueError, TypeError or KeyError if it is none."""
        values: dict[str, Any] = parse_json(text)
        return cls(**{**values, "left_out": tuple(LeftOut(**entry) for entry in values["left_out"])})


def mark_path(destination: Path, number: int) -> Path:
    """Return where the mark of a shard is."""
    return destination / DONE / f"{number:06d}.json"


def read_mark(destination: Path, number: int, stamp: str) -> Mark | None:
    """Return the mark of a shard if there is one of this job and its file is there in full, else None."""
    with suppress(FileNotFoundError, ValueError, TypeError, KeyError):
        mark = Mark.from_json(mark_path(destination, number).read_text(encoding="utf-8"))
        if mark.stamp == stamp and (mark.file is None or (destination / mark.file).stat().st_size == mark.size):
            return mark
    return None


def make_shard(order: Order, shard: Shard, threads: int) -> Mark:
    """Make a shard and mark it; one that is marked already is not made again.

    Raises:
        OSError: the source or the destination fails.
    """
    destination = location(order.destination)
    with store_errors_told(order.destination):
        return read_mark(destination, shard.number, order.stamp) or _made(order, shard, threads, destination)


@dataclass(slots=True)
class _Tally:
    outcomes: Counter[str] = field(default_factory=Counter)
    left_out: list[LeftOut] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    sha256: str = ""


def _made(order: Order, shard: Shard, threads: int, destination: Path) -> Mark:
    tally = _Tally()
    rows = _rows(started(order.work), shard, threads, tally)
    form, file = order.work.formats[order.to], order.file(shard.number)
    path = destination / file

    def fill(stream: IO[bytes]) -> None:
        form.fill(stream, rows, order.identities)
        stream.flush()
        tally.size, tally.sha256 = stream.tell(), _sha256(stream)
        if form.index is not None and tally.rows:
            form.index(Path(stream.name), path)

    write_whole(path, fill)
    if tally.rows == 0:
        path.unlink()
    mark = Mark(
        stamp=order.stamp,
        number=shard.number,
        images=len(shard.labels),
        file=file if tally.rows else None,
        size=tally.size,
        sha256=tally.sha256,
        outcomes=dict(tally.outcomes),
        left_out=tuple(tally.left_out),
    )
    write_bytes(mark_path(destination, shard.number), json_bytes(mark.to_json()))
    return mark


def _sha256(stream: Any) -> str:
    stream.seek(0)
    return hashlib.file_digest(stream, "sha256").hexdigest()


@lru_cache(maxsize=1)
def started(work: Work) -> Step:
    """Return the work's step; a process loads the model once."""
    return work.start()


def _rows(step: Step, shard: Shard, threads: int, tally: _Tally) -> Iterator[Row]:
    """Yield what is to be written, in the order of the listing, and count what came of every image."""
    images = shard.images
    contents = ordered(lambda index: _content(images, index), range(len(shard.labels)), _READERS)
    results = ordered(lambda content: _result(step, content), contents, threads)
    for index, result in enumerate(results):
        tally.outcomes[result.outcome] += 1
        if result.content is None:
            tally.left_out.append(LeftOut(images.place(index), result.outcome, result.note))
            continue
        tally.rows += 1
        identity = images.listing.identities[images.listing.labels[index]]
        label = int(shard.labels[index])
        yield Row(shard.first + index, images.name(index), identity, label, result.content, result.suffix)


def _content(images: EncodedImages, index: int) -> bytes | Result:
    try:
        return images.bytes_of(index)
    except ImageError as error:
        return Result("unreadable", None, note=str(error))


def _result(step: Step, content: bytes | Result) -> Result:
    if isinstance(content, Result):
        return content
    try:
        return step(content)
    except ImageError as error:
        return Result("unreadable", None, note=str(error))


def ordered(function: Callable[[_In], _Out], items: Iterable[_In], threads: int) -> Iterator[_Out]:
    """Yield function(item) in order, computed on threads; few items are under way at a time, however many there are.

    >>> list(ordered(abs, [-1, 2, -3], threads=2))
    [1, 2, 3]
    """
    waiting: deque[Future[_Out]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
