"""Read and embed a data set for an audit (data.audit): block by block, kept in the cache, resumable.

What is kept lies in a folder of the cache that is named by the data as it is now (files, labels, sizes, times of
change): rows-00000.npy … from reading, and one file of embeddings, float16, for each contract and engine. Embeddings
are biometric data: delete the folder when you are done with the audit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.format import open_memmap

from marginface.arrays import read_npy
from marginface.data.audit.findings import AuditedSet
from marginface.data.audit.rows import ROW, Rows, audit_images, has_size
from marginface.data.images.encoded import EncodedImages
from marginface.defaults import DEFAULT_ENGINE, DEFAULT_WORKERS
from marginface.errors import DataError, ImageError
from marginface.files import write_bytes, write_whole
from marginface.geometry import CROP_SIZE
from marginface.images import read_image
from marginface.values import BoolArray, IntArray
from marginface.weights.cache import cache_folder

if TYPE_CHECKING:
    from marginface.data.audit.likeness import Embeddings
    from marginface.embedding import Embedder

SHARD = 2048  # images between two writes to the cache
_BATCH = 32  # crops that a thread embeds at once
_VERSION = "audit 1"
Progress = Callable[[str, int, int], None]


def _silent(_what: str, _done: int, _total: int) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Auditor:
    """Reads and embeds data sets.

    Attributes:
        embedder: Makes the embeddings; None: none are made.
        workers: Threads.
        progress: Called with what is done ("Reading", "Embedding"), how many images are, and of how many.
        engine: What runs the embedder's model: its embeddings are kept apart from those of others.
    """

    embedder: Embedder | None = None
    workers: int = DEFAULT_WORKERS
    progress: Progress = _silent
    engine: str = DEFAULT_ENGINE

    def look_at(self, images: EncodedImages) -> AuditedSet:
        """Read every image, and embed the aligned crops among them; go on where an earlier call was interrupted.

        Raises:
            OSError: the data cannot be read, or the cache cannot be written.
        """
        folder = kept_folder(images)
        rows = self._read(images, folder)
        embeddings = None if self.embedder is None else self._embed(images, rows, folder, self.embedder)
        return AuditedSet(images.listing, rows, embeddings)

    def _read(self, images: EncodedImages, folder: Path) -> Rows:
        total = len(images.listing.labels)
        parts: list[Rows] = [np.empty(0, ROW)]
        for number, indices in enumerate(_shards(total)):
            parts.append(self._read_shard(images, indices, folder / f"rows-{number:05d}.npy"))
            self.progress("Reading", indices.stop, total)
        rows: Rows = np.concatenate(parts)
        return rows

    def _read_shard(self, images: EncodedImages, indices: range, place: Path) -> Rows:
        kept = _kept_rows(place, len(indices))
        if kept is not None:
            return kept
        rows: Rows = np.concatenate(self._map(lambda index: audit_images([_content(images, index)]), indices))
        write_whole(place, lambda stream: np.save(stream, rows, allow_pickle=False))
        return rows

    def _embed(self, images: EncodedImages, rows: Rows, folder: Path, embedder: Embedder) -> Embeddings:
        contract = embedder.contract
        digits = "" if self.engine == DEFAULT_ENGINE else f"-{self.engine}"
        kept = folder / f"{contract.id}{digits}.npy"
        vectors = _open_matrix(kept, (len(rows), contract.embedding_size))
        done = _Done(kept.with_suffix(".done"), -(-len(rows) // SHARD))
        crops = has_size(rows, CROP_SIZE)
        for number, indices in enumerate(_shards(len(rows))):
            if not done.marks[number]:
                wanted = np.arange(indices.start, indices.stop)[crops[indices.start : indices.stop]]
                self._embed_shard(images, wanted, vectors, embedder)
                vectors.flush()
                done.mark(number)
            self.progress("Embedding", indices.stop, len(rows))
        return vectors

    def _embed_shard(self, images: EncodedImages, wanted: IntArray, vectors: Any, embedder: Embedder) -> None:
        def embed(start: int) -> None:
            batch = wanted[start : start + _BATCH]
            crops = np.stack([read_image(images.bytes_of(index)) for index in batch.tolist()])
            vectors[batch] = embedder.embed(crops)

        self._map(embed, range(0, len(wanted), _BATCH))

    def _map(self, work: Callable[[int], Any], indices: range) -> list[Any]:
        with ThreadPoolExecutor(self.workers) as pool:
            try:
                return list(pool.map(work, indices))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def kept_folder(images: EncodedImages) -> Path:
    """Return the folder of the cache for these data as they are now: another after any file changed."""
    listing = images.listing
    digest = hashlib.sha256(f"{_VERSION} {listing.names_sha256}".encode())
    digest.update(np.ascontiguousarray(listing.labels).tobytes())
    digest.update(np.ascontiguousarray(listing.sizes).tobytes())
    for path in listing.files or _places(images):
        digest.update(_state(path).encode("utf-8", "surrogateescape"))
    return cache_folder() / "audit" / digest.hexdigest()[:24]


def _places(images: EncodedImages) -> Iterator[Path]:
    """Yield the file of each image, where each image is a file."""
    return (Path(images.place(index)) for index in range(len(images.listing.labels)))


def _state(path: Path) -> str:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return f"{path}\0gone\n"
    return f"{path.resolve()}\0{status.st_size} {status.st_mtime_ns}\n"


def _shards(total: int) -> list[range]:
    return [range(start, min(start + SHARD, total)) for start in range(0, total, SHARD)]


def _content(images: EncodedImages, index: int) -> bytes | None:
    try:
        return images.bytes_of(index)
    except ImageError:
        return None


def _kept_rows(place: Path, count: int) -> Rows | None:
    try:
        rows = read_npy(place)
    except DataError:
        return None
    return rows if rows.dtype == ROW and rows.shape == (count,) else None


def _open_matrix(path: Path, shape: tuple[int, int]) -> np.memmap[Any, np.dtype[np.float16]]:
    """Return a float16 array in a file, all zeros if it is new; it is mapped and not in memory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        try:
            found = open_memmap(path, mode="r+")
        except (ValueError, OSError):
            found = None
        if found is not None and found.shape == shape and found.dtype == np.float16:
            return found
    path.with_suffix(".done").unlink(missing_ok=True)
    made: np.memmap[Any, np.dtype[np.float16]] = open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
    return made


class _Done:
    """Which shards have been embedded, in a file beside the embeddings."""

    def __init__(self, path: Path, shards: int) -> None:
        self._path = path
        self.marks: BoolArray = np.zeros(shards, bool)
        if path.is_file() and path.stat().st_size == shards:
            self.marks = np.frombuffer(path.read_bytes(), bool).copy()

    def mark(self, number: int) -> None:
        self.marks[number] = True
        write_bytes(self._path, self.marks.tobytes())
