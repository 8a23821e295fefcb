"""A recognizer of red faces for galleries: faces, embeddings and thresholds can be computed by hand."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from marginface.cropping import FaceCropper
from marginface.pipeline import Recognizer
from oracles.calibrations import Table
from oracles.red_faces import BlueEmbedder, RedDetector, photo_with_faces

FACE = (180, 60, 280, 180)


def red_recognizer() -> Recognizer:
    embedder = BlueEmbedder()
    return Recognizer(FaceCropper(RedDetector()), embedder, Table(embedder.contract.id))


def write_photo(path: Path, blue: int, *boxes: tuple[int, int, int, int]) -> Path:
    """Write a photo of a face with this much blue; two photos of the same blue are two files of the same content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(photo_with_faces(*(boxes or (FACE,)), blue=blue)).save(path)
    return path


def write_people(folder: Path, blues: dict[str, tuple[int, ...]]) -> Path:
    """Write a folder for each person, with a photo of each blue."""
    for person, theirs in blues.items():
        for blue in theirs:
            write_photo(folder / person / f"{blue:03d}.png", blue)
    return folder
