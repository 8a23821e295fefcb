"""Images of a protocol → crops → embeddings, read ahead on threads, batch by batch, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from marginface.errors import DataError
from marginface.images import read_image
from marginface.values import BoolArray, FloatArray, ImageArray

if TYPE_CHECKING:
    from marginface.cropping import Crop, FaceCropper

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
    """Reads the images of a protocol: files (the default) or a pack (data.binpack). Implementations are thread-safe."""

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
        return [image for image in images if not image.is_file()]

    def read(self, image: Path) -> ImageArray:
        """Decode a file."""
        return read_image(image)


FILES = ImageFiles()


class Cropper(Protocol):
    """Finds the face of a photo and cuts it out, as a FaceCropper does. Implementations are thread-safe."""

    def crop(self, image: ImageArray) -> Crop:
        """Return the crop, or why there is none."""
        ...


def protocol_cropper(detector: str = "yunet") -> FaceCropper:
    """Return the cropper of the protocols: the face nearest the center; the detector takes its second look."""
    from marginface.cropping import FaceCropper
    from marginface.detection import load_detector

    return FaceCropper(load_detector(detector), policy="center")


def crop_reader(cropper: Cropper | None, store: ImageStore = FILES) -> CropReader:
    """Return a function image → crop (112, 112, 3), or None without a face; without a cropper, images are crops."""
    if cropper is None:
        return lambda path: _aligned(store.read(path), path)
    return lambda path: cropper.crop(store.read(path)).crop


def _aligned(crop: ImageArray, path: Path) -> ImageArray:
    if crop.shape != (112, 112, 3):
        raise DataError(
            f"{path}: an aligned crop is 112×112 pixels; got {crop.shape[1]}×{crop.shape[0]}. Run `marginface align` "
            "on the photos first, or leave out --aligned to detect and align them here."
        )
    return crop


def embed_images(
    embed: Callable[[ImageArray], FloatArray],
    size: int,
    images: Sequence[Path],
    read: CropReader,
    workers: int,
    progress: Progress | None,
) -> tuple[FloatArray, BoolArray]:
    """Return embeddings (N, D) of images, zero rows where no face was found, and which were found (N,)."""
    embeddings = np.zeros((len(images), size), dtype=np.float32)
    found = np.zeros(len(images), dtype=bool)
    start = 0
    for crops in read_ahead(read, images, workers):
        rows = start + np.flatnonzero([crop is not None for crop in crops])
        if len(rows):
            embeddings[rows] = embed(np.stack([crop for crop in crops if crop is not None]))
        found[rows] = True
        start += len(crops)
        if progress is not None:
            progress(start, len(images))
    return embeddings, found
