"""Parquet files in the layout of Hugging Face: DEST/train-00000-of-00012.parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO, Any

from marginface.data.convert.job import Job
from marginface.data.convert.rows import Row
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
        path = job.destination / parquet_name(number, total)
        if not path.exists():
            write_whole(path, lambda stream, number=number: _fill(stream, job, number))  # type: ignore[misc]
        yield len(job.shard(number))


def parquet_name(number: int, total: int) -> str:
    """Return the name of a file."""
    return f"train-{number:05d}-of-{total:05d}.parquet"


def fill_parquet(stream: IO[bytes], rows: Iterable[Row], identities: tuple[str, ...]) -> None:
    """Write a file; ``identities`` are all of the data set, also those that it has no image of."""
    arrow, parquet = load_pyarrow()
    schema = _schema(arrow, identities)
    values = ({"image": _image(row), "label": row.label, "identity": row.identity} for row in rows)
    with parquet.ParquetWriter(stream, schema, compression="none", use_dictionary=["identity"]) as writer:
        while group := list(islice(values, ROW_GROUP)):
            writer.write_table(arrow.Table.from_pylist(group, schema=schema))


def _fill(stream: IO[bytes], job: Job, number: int) -> None:
    fill_parquet(stream, job.rows(number), job.images.listing.identities)
    job.note()  # before the file is in place: what it leaves out is known when it is there


def _image(row: Row) -> dict[str, Any]:
    return {"bytes": row.content, "path": f"{row.index:08d}{row.suffix}"}


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
