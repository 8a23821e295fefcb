"""Photos or aligned crops → embeddings, in Parquet files: name, identity, label, embedding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

import numpy as np

from marginface.alignment import check_crops
from marginface.batch.work import Result, ShardFormat, Step
from marginface.data.convert.rows import Row
from marginface.data.packs.parquet import load_pyarrow
from marginface.defaults import DEFAULT_ENGINE, DEFAULT_MIN_SCORE, DEFAULT_MODEL
from marginface.embedding import Embedder, load_embedder
from marginface.errors import FaceCountError, InputError
from marginface.images import read_image
from marginface.pipeline import Recognizer
from marginface.registry import Registry

_ROW_GROUP = 4096


@dataclass(frozen=True, slots=True)
class Embedding:
    """Embed the largest face of each photo or, where the images are aligned crops already, each image.

    Attributes:
        model: A registered name, or a model's place that every worker can read.
        mirror: Sum the embeddings of crop and mirrored crop.
        aligned: The images are 112×112 crops.
        min_score: Detector score below which nothing counts as a face; of photos.
        engine: What runs the model, of weights.ENGINES.
    """

    model: str = DEFAULT_MODEL
    mirror: bool = False
    aligned: bool = False
    min_score: float = DEFAULT_MIN_SCORE
    engine: str = DEFAULT_ENGINE

    @property
    def name(self) -> str:
        """What it is called in manifests."""
        return "embed"

    @property
    def formats(self) -> Registry[ShardFormat]:
        """Parquet."""
        return EMBEDDING_SHARDS

    def settings(self) -> dict[str, Any]:
        """Return what decides an embedding besides the image."""
        contract = self._embedder().contract
        found = {} if self.aligned else {"min_score": self.min_score}
        digits = {} if self.engine == DEFAULT_ENGINE else {"engine": self.engine}
        return {"contract": contract.id, "numbers": contract.embedding_size, "aligned": self.aligned, **found, **digits}

    def start(self) -> Step:
        """Load the model and return what is done to an image."""
        if self.aligned:
            return _of_crops(self._embedder())
        return _of_photos(Recognizer.load(self.model, mirror=self.mirror, min_score=self.min_score, engine=self.engine))

    def _embedder(self) -> Embedder:
        return load_embedder(self.model, mirror=self.mirror, engine=self.engine)


def _of_photos(recognizer: Recognizer) -> Step:
    def step(content: bytes) -> Result:
        try:
            return Result("embedded", recognizer.embed(content).vector.astype("<f4").tobytes())
        except FaceCountError as error:
            return Result("no face", None, note=str(error))

    return step


def _of_crops(embedder: Embedder) -> Step:
    def step(content: bytes) -> Result:
        try:
            crops = check_crops(read_image(content)[np.newaxis])
        except InputError as error:
            return Result("no crop", None, note=str(error))
        return Result("embedded", embedder.embed(crops)[0].astype("<f4").tobytes())

    return step


def fill_embeddings(stream: IO[bytes], rows: Iterable[Row], _identities: tuple[str, ...]) -> None:
    """Write a Parquet file of embeddings, float32 lists of one length."""
    arrow, parquet = load_pyarrow()
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    vector = arrow.list_(arrow.float32(), len(first.content) // 4)
    names = ("name", "identity", "label", "embedding")
    schema = arrow.schema(zip(names, (arrow.string(), arrow.string(), arrow.int64(), vector), strict=True))
    with parquet.ParquetWriter(stream, schema) as writer:
        group = [first, *islice(rows, _ROW_GROUP - 1)]
        while group:
            writer.write_table(arrow.Table.from_pylist([_values(row) for row in group], schema=schema))
            group = list(islice(rows, _ROW_GROUP))


def _values(row: Row) -> dict[str, Any]:
    vector = np.frombuffer(row.content, "<f4")
    return {"name": row.name, "identity": row.identity, "label": row.label, "embedding": vector}


EMBEDDING_SHARDS: Registry[ShardFormat] = Registry("format of embeddings")
EMBEDDING_SHARDS.add(
    "parquet", ShardFormat(lambda number, total: f"embeddings-{number:05d}-of-{total:05d}.parquet", fill_embeddings)
)
