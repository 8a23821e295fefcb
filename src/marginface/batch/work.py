"""What is done to each image, and how a shard of the results is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from marginface.data.convert.parquet import fill_parquet, parquet_name
from marginface.data.convert.rows import Row
from marginface.data.convert.tar import fill_tar, tar_name
from marginface.data.packs.tar import write_index
from marginface.registry import Registry


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one image: the bytes to keep and the suffix of their kind, or None and a note that says why."""

    outcome: str
    content: bytes | None
    suffix: str = ""
    note: str = ""


# An encoded image → what came of it; may be called from several threads. An ImageError means that it is unreadable.
Step = Callable[[bytes], Result]


@dataclass(frozen=True, slots=True)
class ShardFormat:
    """How a shard is named (number, total), filled (rows, all identities), and indexed (its file, where it will be)."""

    name: Callable[[int, int], str]
    fill: Callable[[IO[bytes], Iterable[Row], tuple[str, ...]], None]
    index: Callable[[Path, Path], None] | None = None


class Work(Protocol):
    """One kind of work. It is sent to the workers: a small frozen value that loads its model when it starts there."""

    @property
    def name(self) -> str:
        """What it is called in manifests."""
        ...

    @property
    def formats(self) -> Registry[ShardFormat]:
        """How its results can be written."""
        ...

    def settings(self) -> dict[str, Any]:
        """Return all that decides the results besides the images: plain values."""
        ...

    def start(self) -> Step:
        """Load what it needs and return what is done to an image."""
        ...

    def __hash__(self) -> int:
        """Equal works are one: a process starts it once."""
        ...


IMAGE_SHARDS: Registry[ShardFormat] = Registry("format of shards")
IMAGE_SHARDS.add(
    "tar", ShardFormat(lambda number, _: tar_name(number), lambda stream, rows, _: fill_tar(stream, rows), write_index)
)
IMAGE_SHARDS.add("parquet", ShardFormat(parquet_name, fill_parquet))
