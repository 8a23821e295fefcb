"""Parquet files in the layout of Hugging Face: DEST/train-00000-of-00012.parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

from marginface.data.convert.job import Job
from marginface.data.packs.parquet import load_pyarrow
from marginface.files import write_whole

ROW_GROUP = 128  # images that are read together: small, so that random order stays cheap


def write_parquet(job: Job) -> Iterator[int]:
    """Write the files, each whole or not at all; yield how many more images are done.

    Columns: image (bytes, path), label (number), identity (text). The metadata say to `datasets` that they are an Image
    and a ClassLabel with its names.
    """
    load_pyarrow()
    total = job.shard_count()
    for number in range(total):
        path = job.destination / f"train-{number:05d}-of-{total:05d}.parquet"
        if not path.exists():
            write_whole(path, lambda stream, number=number: _fill(stream, job, number))  # type: ignore[misc]
        yield len(job.shard(number))


def _fill(stream: IO[bytes], job: Job, number: int) -> None:
    arrow, parquet = load_pyarrow()
    schema = _schema(arrow, job.images.listing.identities)
    rows = _rows(job, number)
    with parquet.ParquetWriter(stream, schema, compression="none", use_dictionary=["identity"]) as writer:
        while group := list(islice(rows, ROW_GROUP)):
            writer.write_table(arrow.Table.from_pylist(group, schema=schema))
    job.note()  # before the file is in place: what it leaves out is known when it is there


def _rows(job: Job, number: int) -> Iterator[dict[str, Any]]:
    listing = job.images.listing
    for index in job.shard(number):
        read = job.read(index)
        if read is not None:
            label = int(listing.labels[index])
            image = {"bytes": read[0], "path": f"{index:08d}{read[1]}"}
            yield {"image": image, "label": label, "identity": listing.identities[label]}


def _schema(arrow: Any, identities: tuple[str, ...]) -> Any:
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(identities), "_type": "ClassLabel"},
        "identity": {"dtype": "string", "_type": "Value"},
    }
    image = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
    columns = [("image", image), ("label", arrow.int64()), ("identity", arrow.string())]
    about = json.dumps({"info": {"features": features}}, ensure_ascii=False)
    return arrow.schema(columns, metadata={"huggingface": about})
