"""TinyFace: faces of about 20 pixels, searched in a gallery that has several images of a person, and distractors.

    Testing_Set/Probe/1_1.jpg               the person is what is before the first _
    Testing_Set/Gallery_Match/1_2.jpg       images of the people of the probes
    Testing_Set/Gallery_Distractor/….jpg    images of anybody else, perhaps in folders

As published: 4,443 images, 153,428 distractors, 3,728 probes. Aligned copies have the three folders in a folder of any
name. Source: Cheng, Zhu & Gong, "Low-resolution face recognition", ACCV 2018, arXiv:1811.08965.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marginface.errors import DataError
from marginface.images import list_images
from marginface.values import IntArray

_FOLDERS = ("Gallery_Match", "Gallery_Distractor", "Probe")


@dataclass(frozen=True, slots=True, eq=False)
class TinyFace:
    """The lists of the protocol.

    Attributes:
        root: the folder of the three.
        gallery: images of known people, ``gallery_people`` (G,) numbers from 0.
        gallery_people: whose they are.
        distractors: images of others.
        probes: images to search with; every one has its person in the gallery.
        probe_people: (P,) in the same numbers.
        people: the names of the numbers.
    """

    root: Path
    gallery: tuple[Path, ...]
    gallery_people: IntArray
    distractors: tuple[Path, ...]
    probes: tuple[Path, ...]
    probe_people: IntArray
    people: tuple[str, ...]


def read_tinyface(path: Path) -> TinyFace:
    """Read the lists of images of ``path``, its folder Testing_Set or tinyface/Testing_Set.

    Raises:
        DataError: the folders are not there, a name has no person, or a probe has no image of its person to find.
    """
    places = [path, path / "Testing_Set", path / "tinyface" / "Testing_Set"]
    root = next((place for place in places if all((place / name).is_dir() for name in _FOLDERS)), None)
    if root is None:
        raise DataError(f"{path}: expected TinyFace, that is folders {', '.join(_FOLDERS)}; they are not all there")
    gallery, distractors, probes = (tuple(list_images(root / name)) for name in _FOLDERS)
    if not probes:
        raise DataError(f"{root / 'Probe'}: expected images to search with; got none")
    known, asked = [_person(image) for image in gallery], [_person(image) for image in probes]
    lost = sorted(set(asked) - set(known))
    if lost:
        raise DataError(
            f"{root}: {len(lost):,} people of Probe have no image in Gallery_Match, such as {lost[0]}: they cannot be "
            "found. Are both folders of one version?"
        )
    people = tuple(sorted(set(known)))
    number = {name: place for place, name in enumerate(people)}
    return TinyFace(
        root=root,
        gallery=gallery,
        gallery_people=np.array([number[name] for name in known], dtype=np.int64),
        distractors=distractors,
        probes=probes,
        probe_people=np.array([number[name] for name in asked], dtype=np.int64),
        people=people,
    )


def _person(image: Path) -> str:
    name, found, _ = image.stem.partition("_")
    if not found or not name:
        raise DataError(f"{image}: expected a name such as 17_3.jpg, the person before the first _; got {image.name!r}")
    return name
