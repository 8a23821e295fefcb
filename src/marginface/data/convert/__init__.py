"""From any format to another, the encoded bytes unchanged; interrupted, the same call goes on.

job        what every writer is handed        rows   what a shard is written from
folders, recordio, tar, parquet               the writers, a line each in WRITERS
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from marginface.data.convert.folders import write_folders
from marginface.data.convert.job import Job
from marginface.data.convert.parquet import write_parquet
from marginface.data.convert.recordio import write_recordio
from marginface.data.convert.tar import write_tar
from marginface.data.images.encoded import EncodedImages, Progress, index_fingerprint
from marginface.data.images.unfinished import read_state
from marginface.defaults import PER_SHARD
from marginface.errors import DataError, InputError
from marginface.locations import is_remote
from marginface.registry import Registry

Writer = Callable[[Job], Iterator[int]]

WRITERS: Registry[Writer] = Registry("format to write")
WRITERS.add("folders", write_folders)
WRITERS.add("recordio", write_recordio)
WRITERS.add("tar", write_tar)
WRITERS.add("parquet", write_parquet)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a conversion wrote and what it left out, with reasons."""

    destination: Path
    to: str
    images: int
    identities: int
    left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "destination": str(self.destination),
            "to": self.to,
            "images": self.images,
            "identities": self.identities,
            "left_out": list(self.left_out),
        }

    def summary(self) -> str:
        """Say in a few lines what is there now."""
        lines = [f"{self.images:,} images of {self.identities:,} identities are in {self.destination} ({self.to})."]
        if self.left_out:
            one = len(self.left_out) == 1
            what = "1 entry is no image and was" if one else f"{len(self.left_out):,} entries are no image and were"
            lines.append(f"{what} left out:")
            lines += [f"    {reason}" for reason in self.left_out[:3]]
        return "\n".join(lines)


def convert(
    images: EncodedImages,
    destination: Path,
    to: str,
    *,
    per_shard: int = PER_SHARD,
    command: str = "",
    progress: Progress | None = None,
) -> Conversion:
    """Write all images and labels into a folder in another format.

    The encoded bytes stay as they are. What is written is whole or not there; until all is, no command takes the
    folder for data, and the same call goes on where it stopped.

    Args:
        images: what to convert.
        destination: a new or empty folder, or that of an interrupted conversion of the same images.
        to: folders, recordio, tar or parquet.
        per_shard: images in a file, of tar and parquet.
        command: what the user typed, to be typed again by who goes on; "": this was no command.
        progress: called with (done, total) after each image or shard.

    Raises:
        InputError: the folder holds something else.
        DataError: the folder holds a conversion of other images.
        OSError: the disk fails or is full.
    """
    writer = WRITERS[to]
    if per_shard < 1:
        raise InputError(f"a shard has at least 1 image; got {per_shard}")
    job = _job(images, destination, to, per_shard, command)
    total, done = len(images.listing.labels), 0
    if not job.state["finished"]:
        job.note()
        for more in writer(job):
            done += more
            if progress is not None:
                progress(done, total)
        if len(job.left_out) == total:
            raise DataError(
                f"{images.listing.origin}: no entry is an image, such as {next(iter(job.left_out.values()))}"
            )
        job.note(finished=True)
    kept = np.ones(total, dtype=bool)
    kept[list(job.left_out)] = False
    left_out = (*images.listing.left_out, *(reason for _, reason in sorted(job.left_out.items())))
    identities = int((np.bincount(images.listing.labels[kept]) > 0).sum())
    return Conversion(destination, to, int(kept.sum()), identities, left_out)


def check_apart(source: Path, destination: Path) -> None:
    """Raise InputError if the destination lies within the source, where it would become part of it."""
    if is_remote(source) != is_remote(destination):
        return
    if source.is_dir() and destination.resolve().is_relative_to(source.resolve()):
        raise InputError(f"{destination}: lies within {source}, which it is made from; choose a folder beside it")


def _job(images: EncodedImages, destination: Path, to: str, per_shard: int, command: str) -> Job:
    """Return a new conversion, or the one that the folder holds."""
    listing = images.listing
    state = {
        "to": to,
        "source": listing.origin,
        "images": len(listing.labels),
        "per_shard": per_shard,
        "fingerprint": index_fingerprint(listing),
        "go_on": command,
    }
    before = read_state(destination)
    if before is None:
        _check_empty(destination)
        return Job(images, destination, per_shard, {**state, "finished": False})
    differing = [key for key in ("to", "fingerprint", "per_shard") if before.get(key) != state[key]]
    if differing:
        raise DataError(
            f"{destination}: holds a conversion of {before.get('source')} to {before.get('to')}. Its {differing[0]} is "
            f"{before.get(differing[0])}; got {state[differing[0]]}. Choose another folder"
        )
    for part in destination.rglob(".*.part"):
        part.unlink(missing_ok=True)  # of a process that was killed
    left_out = {int(index): str(reason) for index, reason in before.get("left_out", {}).items()}
    return Job(images, destination, per_shard, {**state, "finished": before["finished"]}, left_out)


def _check_empty(destination: Path) -> None:
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise InputError(
            f"{destination}: expected a new or empty folder, or that of an interrupted conversion; it holds other files"
        )
