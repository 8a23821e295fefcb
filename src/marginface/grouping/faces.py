"""A folder of photos → all faces in it, embedded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from marginface.alignment import align
from marginface.cropping import FaceCropper
from marginface.embedding import Embedder
from marginface.errors import ImageError
from marginface.images import list_images, read_image
from marginface.values import Face, FloatArray, ImageArray, IntArray

SMALL_FACE = 40  # pixels; a smaller face is enlarged more than twice for its crop, and resembles other small ones
_SIDE = 96  # pixels of a picture on a contact sheet
_QUALITY = 85

Progress = Callable[[int, int], None]  # (done, total)


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """A face in a photo: its path below the folder, which of how many faces in it, and a small JPEG to look at."""

    photo: str
    face: Face
    faces_in_photo: int
    picture: bytes


@dataclass(frozen=True, slots=True, eq=False)
class FoundFaces:
    """N faces of a folder with their embeddings (N, D), and the photos that gave none with the reason."""

    faces: tuple[FoundFace, ...]
    vectors: FloatArray
    left_out: Mapping[str, str]
    photos: int

    def photo_numbers(self) -> IntArray:
        """Return the same number (N,) for faces of the same photo."""
        names = [face.photo for face in self.faces]
        return np.unique(names, return_inverse=True)[1].astype(np.int64) if names else np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class _Look:
    """What one photo gave: its faces and their embeddings, or why there are none."""

    faces: tuple[FoundFace, ...]
    vectors: tuple[FloatArray, ...]
    reason: str = ""


@dataclass(frozen=True)
class FaceFinder:
    """Finds and embeds every face of every photo of a folder.

    Attributes:
        cropper: Its detector finds the faces; which of them is meant is not asked.
        embedder: Crops → embeddings.
        min_size: Pixels of the shorter side of a box below which a face is left out: small faces resemble each other.
    """

    cropper: FaceCropper
    embedder: Embedder
    min_size: int = SMALL_FACE

    def find(self, folder: Path, *, workers: int = 2, progress: Progress | None = None) -> FoundFaces:
        """Return the faces of the folder, in the order of the paths, in a photo the largest first.

        A photo that cannot be read or has no face of the size is left out with its reason.

        Raises:
            InputError: No such folder.
        """
        photos = list_images(folder)
        faces: list[FoundFace] = []
        vectors: list[FloatArray] = []
        left_out: dict[str, str] = {}
        with ThreadPoolExecutor(workers, thread_name_prefix="photos") as pool:
            for done, look in enumerate(pool.map(lambda photo: self._look(photo, folder), photos), start=1):
                faces += look.faces
                vectors += look.vectors
                if look.reason:
                    left_out[photos[done - 1].relative_to(folder).as_posix()] = look.reason
                if progress is not None:
                    progress(done, len(photos))
        size = self.embedder.contract.embedding_size
        rows = np.stack(vectors) if vectors else np.empty((0, size), np.float32)
        return FoundFaces(tuple(faces), rows, left_out, len(photos))

    def _look(self, photo: Path, folder: Path) -> _Look:
        try:
            image = read_image(photo)
        except ImageError as error:
            return _Look((), (), str(error))
        every = self.cropper.detect(image)
        large = [face for face in every if min(face.box.width, face.box.height) >= self.min_size]
        if not large:
            smaller = f"; {len(every)} smaller than {self.min_size} px" if every else ""
            return _Look((), (), f"no face found{smaller}")
        crops = [align(image, face.landmarks) for face in large]
        name = photo.relative_to(folder).as_posix()
        found = tuple(
            FoundFace(name, face, len(every), small_picture(crop)) for face, crop in zip(large, crops, strict=True)
        )
        return _Look(found, tuple(self.embedder.embed(np.stack(crops))))


def small_picture(crop: ImageArray) -> bytes:
    """Return a crop as a small JPEG."""
    small = cv2.resize(crop, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return bytes(data.tobytes())
