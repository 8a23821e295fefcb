"""Photos of people → a gallery, mated and non-mated probes, by a stated rule.

Of everyone with two photos or more the first (in the order of names) is enrolled and the others are mated probes; who
has one photo cannot be searched with another and is a stranger: a non-mated probe. On LFW that is everyone of
``lfw/``: 1,680 people enrolled. Where everybody has several photos, a share of the people is drawn to be strangers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marginface.errors import DataError, InputError
from marginface.files import shown_folders
from marginface.images import list_images
from marginface.values import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class IdentificationSplit:
    """Who is enrolled with which photos, and who is searched.

    Attributes:
        people: every name; places in it are the numbers below.
        gallery: the enrolled photos; ``gallery_people`` (G,) whose they are.
        probes: the searched photos; ``probe_people`` (P,) whose they are. Who is not in the gallery is a stranger.
        rule: how it was made, in words.
    """

    people: tuple[str, ...]
    gallery: tuple[Path, ...]
    gallery_people: IntArray
    probes: tuple[Path, ...]
    probe_people: IntArray
    rule: str


def photos_by_person(root: Path) -> dict[str, list[Path]]:
    """Return the photos of every person, a folder each, in the order of names.

    Raises:
        DataError: there is no folder of a person with a photo.
    """
    folders = shown_folders(root) if root.is_dir() else []
    found = {folder.name: photos for folder in folders if (photos := list_images(folder))}
    if not found:
        raise DataError(f"{root}: expected a folder with one folder of photos per person (root/Name/1.jpg); got none")
    return found


def identification_split(
    photos: Mapping[str, Sequence[Path]], *, enrolled: int = 1, strangers: float = 0.0, seed: int = 0
) -> IdentificationSplit:
    """Divide photos of people into a gallery and probes; see the top of this file.

    Args:
        photos: of every person, in order.
        enrolled: photos of a person in the gallery; who has no more than these is a stranger.
        strangers: share of the people that is drawn to be strangers besides.
        seed: decides which.

    Raises:
        InputError: a number is out of range.
        DataError: nobody is left to enrol, or there is no stranger.
    """
    if enrolled < 1 or not 0 <= strangers < 1:
        raise InputError(f"enrolled is 1 or more and strangers a share in [0, 1); got {enrolled} and {strangers}")
    if seed < 0:
        raise InputError(f"a seed is 0 or more; got {seed}")
    people = tuple(sorted(photos))
    drawn = np.random.default_rng(seed).random(len(people)) < strangers
    known = [len(photos[name]) > enrolled and not out for name, out in zip(people, drawn, strict=True)]
    if not any(known) or all(known):
        who = "nobody has more photos than are enrolled" if not any(known) else "everybody is enrolled"
        raise DataError(
            f"{who}: {len(people):,} people, {enrolled} photo(s) enrolled of each. The open set needs people of "
            "several photos and strangers: give --strangers 0.3 to draw some, or another folder."
        )
    gallery = [(photo, n) for n, name in enumerate(people) if known[n] for photo in photos[name][:enrolled]]
    probes = [(photo, n) for n, name in enumerate(people) for photo in photos[name][enrolled if known[n] else 0 :]]
    drawn_too = f", and a share of {strangers:g} of the people drawn with seed {seed}" if strangers else ""
    return IdentificationSplit(
        people=people,
        gallery=tuple(photo for photo, _ in gallery),
        gallery_people=np.array([n for _, n in gallery], dtype=np.int64),
        probes=tuple(photo for photo, _ in probes),
        probe_people=np.array([n for _, n in probes], dtype=np.int64),
        rule=f"the first {enrolled} photo(s) of a person enrolled, the others mated probes; strangers are who has no "
        f"more photos{drawn_too}",
    )
