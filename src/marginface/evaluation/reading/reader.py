"""Images of a protocol → crops → embeddings, read ahead on threads, batch by batch, in order."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from marginface.defaults import DEFAULT_DETECTOR, DEFAULT_ENGINE, DEFAULT_WORKERS
from marginface.errors import DataError, ImageError
from marginface.evaluation.reading.memory import EmbeddingMemory
from marginface.files import is_file
from marginface.geometry import CROP_SIZE
from marginface.images import read_image
from marginface.values import BoolArray, FloatArray, ImageArray

if TYPE_CHECKING:
    from marginface.cropping import Crop, FaceCropper
    from marginface.embedding import Embedder

CropReader = Callable[[Path], ImageArray | None]
Progress = Callable[[int, int], None]  # (images done, images)
Item = TypeVar("Item")
Read = TypeVar("Read")


def read_ahead(
    read: Callable[[Item], Read], items: Sequence[Item], workers: int, size: int = 64
) -> Iterator[list[Read]]:
    """Yield what ``read`` makes of the items, ``size`` at a time and in order, while the next are being read."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[list[Future[Read]]] = deque()
        for start in range(0, len(items), size):
            waiting.append([pool.submit(read, item) for item in items[start : start + size]])
            if len(waiting) > 1:
                yield [future.result() for future in waiting.popleft()]
        while waiting:
            yield [future.result() for future in waiting.popleft()]


class ImageStore(Protocol):
    """Reads the images of a protocol: files (the default) or a pack (data.pairs.binpack); safe for threads."""

    def missing(self, images: Sequence[Path]) -> list[Path]:
        """Return those of the images that are not there."""
        ...

    def read(self, image: Path) -> ImageArray:
        """Decode one image, RGB uint8."""
        ...


class ImageFiles:
    """Images that are files; their names are their paths."""

    def missing(self, images: Sequence[Path]) -> list[Path]:
        """Return those that are no files."""
        return [image for image in images if not is_file(image)]

    def read(self, image: Path) -> ImageArray:
        """Decode a file."""
        return read_image(image)


FILES = ImageFiles()


class Cropper(Protocol):
    """Finds the face of a photo and cuts it out, as a FaceCropper does. Implementations are thread-safe."""

    def crop(self, image: ImageArray) -> Crop:
        """Return the crop, or why there is none."""
        ...


def protocol_cropper(detector: str = DEFAULT_DETECTOR) -> FaceCropper:
    """Return the cropper of the protocols: the face nearest the center; the detector takes its second look."""
    from marginface.cropping import FaceCropper

    return FaceCropper.load(detector, policy="center")


def cropping_of(cropper: FaceCropper) -> str:
    """Return all settings of a cropper as text: what names it in a memory of embeddings."""
    from marginface.cropping import crop_settings

    return json.dumps(crop_settings(cropper), sort_keys=True)


def reading_of(cropping: str, engine: str) -> str:
    """Return how images became embeddings besides the contract: the cropping and, if it is not the default, the engine.

    These words name embeddings in a memory; engines differ in the last digits, which are not to be mixed.
    """
    return cropping if engine == DEFAULT_ENGINE else f"{cropping}, {engine}"


def crop_reader(cropper: Cropper | None, store: ImageStore = FILES) -> CropReader:
    """Return a function image → crop (112, 112, 3), or None without a face; without a cropper, images are crops."""
    return lambda path: _crop(store.read(path), cropper, path)


def _crop(image: ImageArray, cropper: Cropper | None, path: Path) -> ImageArray | None:
    if cropper is not None:
        return cropper.crop(image).crop
    if image.shape != (CROP_SIZE, CROP_SIZE, 3):
        raise DataError(
            f"{path}: an aligned crop is 112×112 pixels; got {image.shape[1]}×{image.shape[0]}. Run `marginface align` "
            "on the photos first, or leave out --aligned to detect and align them here."
        )
    return image


def refuse(_path: Path, error: ImageError) -> None:
    """Let no photo pass that cannot be decoded."""
    raise error


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """How photos become embeddings: who reads them, who crops them, how many threads, what is remembered.

    Attributes:
        store: reads the photos.
        cropper: finds the face; None: the images are aligned crops.
        workers: threads that read and crop.
        progress: called with (images done, images).
        memory: embeddings of photos seen before; None: none.
        unreadable: told of a photo that cannot be decoded, on a thread. If it returns, the photo counts as one without
            a face; ``refuse``, the default, raises.
    """

    store: ImageStore = FILES
    cropper: Cropper | None = None
    workers: int = DEFAULT_WORKERS
    progress: Progress | None = None
    memory: EmbeddingMemory | None = None
    unreadable: Callable[[Path, ImageError], None] = refuse

    def embed(self, images: Sequence[Path], vectors: Vectors) -> tuple[FloatArray, BoolArray]:
        """Return the embeddings (N, D), zero rows where no face was found, and which were found (N,)."""
        embeddings = np.zeros((len(images), vectors.size), dtype=np.float32)
        found = np.zeros(len(images), dtype=bool)
        for place, part in self.batches(images, vectors):
            for row, vector in enumerate(part, place.start):
                if vector is not None:
                    embeddings[row], found[row] = vector, True
        return embeddings, found

    def batches(self, images: Sequence[Path], vectors: Vectors) -> Iterator[tuple[slice, Sequence[FloatArray | None]]]:
        """Yield the vectors of a few images at a time, None without a face, and where these are in the list."""
        start = 0
        for photos in read_ahead(lambda path: self._look(path, vectors.name), images, self.workers):
            place = slice(start, start + len(photos))
            yield place, self._embedded(photos, vectors)
            start = place.stop
            if self.progress is not None:
                self.progress(start, len(images))

    def _look(self, path: Path, name: str) -> _Photo:
        """Read a photo; crop it unless its embedding is remembered."""
        try:
            photo = self.store.read(path)
        except ImageError as error:
            self.unreadable(path, error)
            return _Photo(b"", None, known=True)
        if self.memory is None:
            return _Photo(b"", _crop(photo, self.cropper, path))
        key = self.memory.key(photo, name)
        kept = self.memory.known([key])
        if key in kept:
            return _Photo(key, None, kept[key], known=True)
        return _Photo(key, _crop(photo, self.cropper, path))

    def _embedded(self, photos: Sequence[_Photo], vectors: Vectors) -> list[FloatArray | None]:
        """Return the embedding of each photo, None without a face; remember the new ones."""
        crops = [photo.crop for photo in photos if photo.crop is not None]
        fresh = iter(vectors.embed(np.stack(crops))) if crops else iter(())
        result = [photo.vector if photo.known else None if photo.crop is None else next(fresh) for photo in photos]
        if self.memory is not None:
            pairs = zip(photos, result, strict=True)
            self.memory.keep({photo.key: vector for photo, vector in pairs if not photo.known})
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Crops → vectors (N, size), and a name that two settings with other vectors do not share."""

    name: str
    size: int
    embed: Callable[[ImageArray], FloatArray]

    @classmethod
    def of(cls, embedder: Embedder) -> Vectors:
        """Return the embeddings of an embedder, under the name of its contract."""
        return cls(embedder.contract.id, embedder.contract.embedding_size, embedder.embed)


@dataclass(frozen=True, slots=True, eq=False)
class _Photo:
    key: bytes
    crop: ImageArray | None
    vector: FloatArray | None = None
    known: bool = False


ALIGNED = Reader()
