"""Tar shards in the way of webdataset: DEST/train-000000.tar with 00000017.jpg and 00000017.json."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import IO

from marginface.data.convert.job import Job
from marginface.data.convert.rows import Row
from marginface.files import json_bytes, write_whole


def write_tar(job: Job) -> Iterator[int]:
    """Write the shards, each whole or not at all; yield how many more images are done.

    An object of key.json has the identity (text), its label (number) and what the source calls the image.
    """
    for number in range(job.shard_count()):
        path = job.destination / tar_name(number)
        if not path.exists():
            write_whole(path, lambda stream, number=number: _fill(stream, job, number))  # type: ignore[misc]
        yield len(job.shard(number))


def tar_name(number: int) -> str:
    """Return the name of a shard."""
    return f"train-{number:06d}.tar"


def fill_tar(stream: IO[bytes], rows: Iterable[Row]) -> None:
    """Write a shard."""
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for row in rows:
            about = {"identity": row.identity, "label": row.label, "name": row.name}
            _add(archive, f"{row.index:08d}{row.suffix}", row.content)
            _add(archive, f"{row.index:08d}.json", json_bytes(json.dumps(about, ensure_ascii=False)))


def _fill(stream: IO[bytes], job: Job, number: int) -> None:
    fill_tar(stream, job.rows(number))
    job.note()  # before the shard is in place: what it leaves out is known when it is there


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, BytesIO(content))
