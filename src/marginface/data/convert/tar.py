"""Tar shards in the way of webdataset: DEST/train-000000.tar with 00000017.jpg and 00000017.json."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from io import BytesIO
from typing import IO

from marginface.data.convert.job import Job
from marginface.files import write_whole


def write_tar(job: Job) -> Iterator[int]:
    """Write the shards, each whole or not at all; yield how many more images are done.

    An object of key.json has the identity (text), its label (number) and what the source calls the image.
    """
    for number in range(job.shard_count()):
        path = job.destination / f"train-{number:06d}.tar"
        if not path.exists():
            write_whole(path, lambda stream, number=number: _fill(stream, job, number))  # type: ignore[misc]
        yield len(job.shard(number))


def _fill(stream: IO[bytes], job: Job, number: int) -> None:
    listing = job.images.listing
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for index in job.shard(number):
            read = job.read(index)
            if read is None:
                continue
            label = int(listing.labels[index])
            about = {"identity": listing.identities[label], "label": label, "name": job.images.name(index)}
            _add(archive, f"{index:08d}{read[1]}", read[0])
            _add(archive, f"{index:08d}.json", json.dumps(about, ensure_ascii=False).encode())
    job.note()  # before the shard is in place: what it leaves out is known when it is there


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, BytesIO(content))
