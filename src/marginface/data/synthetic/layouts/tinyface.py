"""TinyFace in its published layout, of drawn faces: the images themselves can be had on request alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from marginface.data.synthetic.drawn_faces import DrawnFaces
from marginface.errors import InputError
from marginface.geometry import CROP_SIZE
from marginface.values import ImageArray, IntArray


@dataclass(frozen=True, slots=True)
class TinyPlan:
    """How many images of whom; as published: 2,570 people or so, 4,443 gallery images, 3,728 probes, 153,428 others.

    Attributes:
        people: who is searched.
        gallery: images of each in the gallery.
        probes: images of each to search with.
        distractors: people besides, an image each.
        pixels: of a face: the crop is shrunk to this side and enlarged again, as an aligned copy of TinyFace is.
        seed: decides who they are.
    """

    people: int
    gallery: int = 2
    probes: int = 1
    distractors: int = 40
    pixels: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.people, self.gallery, self.probes) < 1 or self.distractors < 0 or not 4 <= self.pixels <= CROP_SIZE:
            raise InputError(
                f"a plan has a person, a gallery image and a probe or more, and 4 to {CROP_SIZE} pixels; got {self}"
            )


def write_tinyface(root: Path, plan: TinyPlan) -> None:
    """Write ``Testing_Set`` below root; crops of 112×112, about 5 ms an image."""
    each = plan.gallery + plan.probes
    faces = DrawnFaces(plan.people, each, seed=plan.seed)
    names = [f"{person + 1}_{number + 1}.png" for person in range(plan.people) for number in range(each)]
    is_gallery = np.arange(len(names)) % each < plan.gallery
    _write(root / "Testing_Set" / "Gallery_Match", faces, np.flatnonzero(is_gallery), names, plan.pixels)
    _write(root / "Testing_Set" / "Probe", faces, np.flatnonzero(~is_gallery), names, plan.pixels)
    folder = root / "Testing_Set" / "Gallery_Distractor"
    folder.mkdir(parents=True, exist_ok=True)
    if plan.distractors:
        others = DrawnFaces(plan.distractors, 1, seed=plan.seed, first_identity=plan.people)
        names = [f"{number + 1}.png" for number in range(plan.distractors)]
        _write(folder, others, np.arange(plan.distractors), names, plan.pixels)


def _write(folder: Path, faces: DrawnFaces, rows: IntArray, names: list[str], pixels: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for row, crop in zip(rows.tolist(), faces.read(rows), strict=True):
        Image.fromarray(_few_pixels(crop, pixels)).save(folder / names[row])


def _few_pixels(crop: ImageArray, pixels: int) -> ImageArray:
    small = cv2.resize(crop, (pixels, pixels), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
