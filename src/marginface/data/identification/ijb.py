"""Protocols of templates: several images of a person taken as one (IJB-B, IJB-C), from the official metadata files.

A folder ``meta`` holds, with the prefix ijbb or ijbc:

    ijbc_face_tid_mid.txt               "1.jpg 1 69544": image, template, media (a photo, or the frames of a video)
    ijbc_name_5pts_score.txt            "1.jpg x1 y1 … x5 y5 0.99": five landmarks and the detector's score, same order
    ijbc_template_pair_label.txt        "1 11065 1": two templates and whether they are of one person (1:1)
    ijbc_1N_gallery_G1.csv, …_G2.csv    TEMPLATE_ID,SUBJECT_ID,…: the galleries of 1:N (S1, S2 in IJB-B)
    ijbc_1N_probe_mixed.csv             the probes; those whose subject is not in a gallery are its non-mated ones

The images are in ``loose_crop`` beside it. Sources: Whitelam et al., "IARPA Janus Benchmark-B", CVPR Workshops 2017;
Maze et al., "IARPA Janus Benchmark-C", ICB 2018; the files as insightface distributes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from marginface.errors import DataError
from marginface.values import BoolArray, DoubleArray, FloatArray, IntArray, frozen


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """N images in T templates.

    Attributes:
        name: of the protocol, as ``IJB-C``.
        folder: where the images are.
        images: (N) file names.
        landmarks: (N, 5, 2) float32, pixels.
        detection: (N,) the detector's score.
        template: (N,) the template of each image, from 0.
        media: (N,) its media; images of one media in one template are averaged first.
        ids: (T,) the official number of each template, rising.
    """

    name: str
    folder: Path
    images: tuple[str, ...]
    landmarks: FloatArray
    detection: FloatArray
    template: IntArray
    media: IntArray
    ids: IntArray

    def __post_init__(self) -> None:
        count = len(self.images)
        shapes = {"landmarks": (count, 5, 2), "detection": (count,), "template": (count,), "media": (count,)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise DataError(f"{self.name}: {name} is {shape}; got {getattr(self, name).shape}")
            object.__setattr__(self, name, frozen(getattr(self, name)))
        if not np.array_equal(np.unique(self.template), np.arange(len(self.ids))):
            raise DataError(f"{self.name}: every one of {len(self.ids)} templates needs an image")

    def __len__(self) -> int:
        return len(self.ids)

    def places(self, ids: IntArray, source: str) -> IntArray:
        """Return the places of official template numbers; raise DataError that names one that has no image."""
        places = np.searchsorted(self.ids, ids).clip(max=len(self.ids) - 1)
        wrong = np.flatnonzero(self.ids[places] != ids)
        if len(wrong):
            raise DataError(
                f"{source}: template {ids[wrong[0]]} has no image in {self.name}'s list of images "
                f"({len(wrong):,} such entries). Are the files of one version?"
            )
        found: IntArray = places.astype(np.int64)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class TemplatePairs:
    """P pairs of templates for 1:1: ``first`` and ``second`` (P,) are places in Templates, ``genuine`` (P,) bool."""

    first: IntArray
    second: IntArray
    genuine: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Enrolled:
    """Templates with their people: a gallery or the probes. ``templates`` (K,) places, ``subjects`` (K,) numbers."""

    name: str
    templates: IntArray
    subjects: IntArray


@dataclass(frozen=True, slots=True)
class MetaFiles:
    """The official files of a protocol, found below a folder."""

    folder: Path
    prefix: str

    @property
    def name(self) -> str:
        """Return IJB-B or IJB-C."""
        return {"ijbb": "IJB-B", "ijbc": "IJB-C"}[self.prefix]

    def path(self, ending: str) -> Path:
        """Return ``meta/ijbc_<ending>``; raise DataError if it is not there."""
        path = self.folder / "meta" / f"{self.prefix}_{ending}"
        if not path.is_file():
            raise DataError(f"{path}: not there. {self.name} needs its official metadata files in {path.parent}")
        return path


def find_meta(root: Path) -> MetaFiles:
    """Return the metadata files below root, or in its folder IJBB or IJBC.

    Raises:
        DataError: none, or those of both protocols.
    """
    found = [
        MetaFiles(folder, prefix)
        for folder in (root, root / "IJBB", root / "IJBC")
        for prefix in ("ijbb", "ijbc")
        if (folder / "meta" / f"{prefix}_face_tid_mid.txt").is_file()
    ]
    if len(found) != 1:
        many = ", ".join(str(files.folder) for files in found) or "neither"
        raise DataError(
            f"{root}: expected IJB-B or IJB-C, that is meta/ijbb_face_tid_mid.txt or meta/ijbc_face_tid_mid.txt; "
            f"got {many}. Give the folder that holds meta and loose_crop."
        )
    return found[0]


def read_templates(files: MetaFiles) -> Templates:
    """Read the images of a protocol with landmarks, detector scores, templates and media.

    Raises:
        DataError: a file is missing, not in its layout, or the two lists of images differ.
    """
    listed, points = files.path("face_tid_mid.txt"), files.path("name_5pts_score.txt")
    names, numbers = _named_numbers(listed, 2)
    names_again, values = _named_numbers(points, 11)
    if names != names_again:
        raise DataError(
            f"{points}: expected the {len(names):,} images of {listed.name} in its order; got {len(names_again):,}, "
            "and not the same ones at each line"
        )
    ids, template = np.unique(numbers[:, 0].astype(np.int64), return_inverse=True)
    return Templates(
        name=files.name,
        folder=files.folder / "loose_crop",
        images=names,
        landmarks=values[:, :10].reshape(-1, 5, 2).astype(np.float32),
        detection=values[:, 10].astype(np.float32),
        template=template.astype(np.int64),
        media=numbers[:, 1].astype(np.int64),
        ids=ids,
    )


def read_template_pairs(files: MetaFiles, templates: Templates) -> TemplatePairs:
    """Read the 1:1 pairs.

    Raises:
        DataError: the file is missing or not in its layout, or names a template without images.
    """
    path = files.path("template_pair_label.txt")
    with path.open(encoding="utf-8-sig") as lines:
        rows = _parsed(path, lines, None, 3, np.int64)
    other = rows[(rows[:, 2] != 0) & (rows[:, 2] != 1)]
    if len(other):
        raise DataError(f"{path}: the third number is 1 (same person) or 0; got the line {other[0].tolist()}")
    first, second = (templates.places(rows[:, column], path.name) for column in (0, 1))
    return TemplatePairs(first, second, rows[:, 2] == 1)


def read_searches(files: MetaFiles, templates: Templates) -> tuple[tuple[Enrolled, ...], Enrolled]:
    """Read the galleries of 1:N, each to be searched apart, and the probes.

    Raises:
        DataError: a file is missing or not in its layout, or names a template without images.
    """
    letter = "S" if files.prefix == "ijbb" else "G"
    galleries = [_enrolled(files.path(f"1N_gallery_{letter}{number}.csv"), templates) for number in (1, 2)]
    return tuple(galleries), _enrolled(files.path("1N_probe_mixed.csv"), templates)


def _enrolled(path: Path, templates: Templates) -> Enrolled:
    """Return each template of a CSV file once: a line there is an image."""
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        head = lines.readline().strip().upper().split(",")
        if head[:2] != ["TEMPLATE_ID", "SUBJECT_ID"]:
            raise DataError(f"{path}:1: expected TEMPLATE_ID,SUBJECT_ID,…; got {','.join(head)[:60]!r}")
        rows = _parsed(path, (",".join(line.split(",")[:2]) for line in lines), ",", 2, np.int64)
    ids, at, inverse = np.unique(rows[:, 0], return_index=True, return_inverse=True)
    subjects = rows[at, 1]
    if not np.array_equal(subjects[inverse], rows[:, 1]):
        raise DataError(f"{path}: template {rows[subjects[inverse] != rows[:, 1]][0, 0]} has two subjects")
    return Enrolled(path.stem.split("_")[-1], templates.places(ids, path.name), subjects)


def _named_numbers(path: Path, columns: int) -> tuple[tuple[str, ...], DoubleArray]:
    """Return the first word and the numbers (N, columns) of each line."""
    try:
        parts = [line.split(maxsplit=1) for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected a text file of the protocol; got {error}") from None
    values = _parsed(path, (part[-1] for part in parts), None, columns, np.float64)
    return tuple(part[0] for part in parts), values


def _parsed(path: Path, lines: Iterable[str], delimiter: str | None, columns: int, dtype: DTypeLike) -> Any:
    """Return the numbers (N, columns) of lines; raise DataError if they are others."""
    try:
        numbers = np.loadtxt(lines, dtype=dtype, delimiter=delimiter, comments=None, ndmin=2)
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected {columns} numbers a line; got {error}") from None
    if numbers.shape[1:] != (columns,) or not len(numbers):
        raise DataError(f"{path}: expected lines of {columns} numbers; got {numbers.shape[0]} of {numbers.shape[1]}")
    return numbers
