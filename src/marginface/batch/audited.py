"""Images → what an audit must know of each: a row of sizes and hashes, and an embedding (data.audit).

The steps are those of ``marginface.auditing``, which keeps what it finds in the cache of this machine; here it is in
shards, by any executor, in any store. Embeddings are biometric data: delete the shards when the audit is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from marginface.batch.report import BatchReport
from marginface.batch.work import Result, ShardFormat, Step
from marginface.data.audit import ROW, AuditedSet, audit_images
from marginface.data.audit.rows import has_size
from marginface.data.convert.rows import Row
from marginface.data.images.encoded import Listing
from marginface.defaults import DEFAULT_ENGINE
from marginface.embedding import Embedder, load_embedder
from marginface.geometry import CROP_SIZE
from marginface.images import read_image
from marginface.registry import Registry


@dataclass(frozen=True, slots=True)
class Auditing:
    """Read every image and, with a model, embed the aligned crops among them.

    Attributes:
        model: What ``load_embedder`` takes, in a place that every worker can read; "" embeds nothing.
        engine: What runs the model, of weights.ENGINES.
    """

    model: str = ""
    engine: str = DEFAULT_ENGINE

    @property
    def name(self) -> str:
        """What it is called in manifests."""
        return "audit"

    @property
    def formats(self) -> Registry[ShardFormat]:
        """Arrays of NumPy."""
        return AUDIT_SHARDS

    def settings(self) -> dict[str, Any]:
        """Return what decides rows and embeddings besides the images."""
        embedder = self._embedder()
        contract = "" if embedder is None else embedder.contract.id
        digits = {} if self.engine == DEFAULT_ENGINE else {"engine": self.engine}
        return {"row": str(ROW.descr), "contract": contract, **digits}

    def start(self) -> Step:
        """Load the model, if there is one, and return what is done to an image."""
        embedder = self._embedder()
        size = 0 if embedder is None else embedder.contract.embedding_size

        def step(content: bytes) -> Result:
            rows = audit_images([content])
            vector: NDArray[np.float16] = np.zeros(size, np.float16)
            if embedder is not None and has_size(rows, CROP_SIZE).all():
                vector[:] = embedder.embed(read_image(content)[np.newaxis])[0]
            return Result("read" if rows["readable"][0] else "unreadable", rows.tobytes() + vector.tobytes(), ".npy")

        return step

    def _embedder(self) -> Embedder | None:
        return load_embedder(self.model, engine=self.engine) if self.model else None


def fill_rows(stream: IO[bytes], rows: Iterable[Row], _identities: tuple[str, ...]) -> None:
    """Write an array with the fields index (in the source), row and embedding (float16)."""
    found = list(rows)
    kind = _kind(len(found[0].content) - ROW.itemsize if found else 0)
    whole = b"".join(np.int64(row.index).tobytes() + row.content for row in found)
    np.save(stream, np.frombuffer(whole, kind), allow_pickle=False)


def audited(report: BatchReport, listing: Listing) -> AuditedSet:
    """Return what the shards of a finished job hold, in the order of the listing; rows of what was not read say so."""
    rows = np.repeat(audit_images([None]), len(listing.labels))
    embeddings: NDArray[np.float16] | None = None
    for mark in report.marks:
        if mark.file is not None:
            shard = _read(report.destination / mark.file)
            rows[shard["index"]] = shard["row"]
            if embeddings is None:
                embeddings = np.zeros((len(rows), shard["embedding"].shape[1]), np.float16)
            embeddings[shard["index"]] = shard["embedding"]
    return AuditedSet(listing, rows, embeddings if embeddings is not None and embeddings.shape[1] else None)


def _read(path: Path) -> NDArray[Any]:
    shard: NDArray[Any] = np.load(BytesIO(path.read_bytes()), allow_pickle=False)
    return shard


def _kind(embedding_bytes: int) -> np.dtype[Any]:
    return np.dtype([("index", "<i8"), ("row", ROW), ("embedding", "<f2", (embedding_bytes // 2,))])


AUDIT_SHARDS: Registry[ShardFormat] = Registry("format of audited shards")
AUDIT_SHARDS.add("npy", ShardFormat(lambda number, total: f"audit-{number:05d}-of-{total:05d}.npy", fill_rows))
