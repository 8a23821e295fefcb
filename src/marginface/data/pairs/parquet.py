"""Verification pairs in a Parquet file: two columns of images and one that says whether they are of the same person.

The image columns are structs with a field ``bytes`` (as Hugging Face's `datasets` writes them) or plain bytes; the
other column is boolean or 0 and 1. Names in use are found; where there are several, the first of the lists below. With
a column ``fold`` (numbers from 0) the folds are those, else ten, in the order of the rows, as in a pack of InsightFace.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from marginface.data.packs.parquet import arrow_damage, load_pyarrow
from marginface.data.pairs.binpack import FOLDS, unshuffled_folds
from marginface.errors import DataError, ImageError, UnreadableImage
from marginface.images import read_image
from marginface.values import BoolArray, ImageArray, IntArray, Pairs
from marginface.words import cause

IMAGE_COLUMNS = (
    ("image1", "image2"),
    ("image_1", "image_2"),
    ("img1", "img2"),
    ("img_0", "img_1"),
    ("image_a", "image_b"),
)
LABEL_COLUMNS = ("genuine", "same", "is_same", "issame", "label", "pair")
_KEPT_GROUPS = 4


@dataclass(frozen=True, eq=False)
class ParquetPairs:
    """An open file: its ``pairs``, whose images are named ``pairs.parquet#0a``, ``#0b`` …; threads may read."""

    pairs: Pairs
    path: Path
    file: Any
    columns: tuple[str, str]
    starts: Sequence[int]
    kept: OrderedDict[int, Any] = field(default_factory=OrderedDict, repr=False)
    lock: Lock = field(default_factory=Lock, repr=False)

    def missing(self, images: Sequence[Path]) -> list[Path]:
        """Return those of the images that are not in this file."""
        inside = set(self.pairs.images)
        return [image for image in images if image not in inside]

    def read(self, image: Path) -> ImageArray:
        """Decode one image.

        Raises:
            ImageError: it cannot be decoded.
            DataError: the row holds no image.
        """
        place = image.name.rpartition("#")[2]
        row, side = int(place[:-1]), place[-1] == "b"
        group = int(np.searchsorted(self.starts, row, side="right")) - 1
        value = self._group(group).column(self.columns[side])[row - self.starts[group]].as_py()
        data = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(data, bytes):
            raise DataError(f"{image}: expected the bytes of an image; the row has none")
        try:
            return read_image(data)
        except ImageError as error:
            raise type(error)(f"{image}: {error}") from None

    def _group(self, number: int) -> Any:
        """Return a row group, from memory or read; one thread reads at a time."""
        with self.lock:
            if number not in self.kept:
                self.kept[number] = self._read_group(number)
            self.kept.move_to_end(number)
            while len(self.kept) > _KEPT_GROUPS:
                self.kept.popitem(last=False)
            return self.kept[number]

    def _read_group(self, number: int) -> Any:
        arrow, _ = load_pyarrow()
        try:
            return self.file.read_row_group(number, columns=list(self.columns), use_threads=False)
        except arrow_damage(arrow) as error:
            raise UnreadableImage(f"{self.path}: row group {number} is damaged: {cause(error)}") from None


def open_parquet_pairs(path: Path) -> ParquetPairs:
    """Open a file of pairs; no image is decoded yet.

    Raises:
        DataError: it is no Parquet file, has no such columns, or its labels are others.
        MissingExtra: pyarrow is not installed.
    """
    arrow, parquet = load_pyarrow()
    try:
        file = parquet.ParquetFile(path)
    except arrow_damage(arrow) as error:
        raise DataError(f"{path}: expected a Parquet file of pairs; got {cause(error)}") from None
    names = file.schema_arrow.names
    columns = next((pair for pair in IMAGE_COLUMNS if set(pair) <= set(names)), None)
    label = next((name for name in LABEL_COLUMNS if name in names), None)
    if columns is None or label is None:
        raise DataError(
            f"{path}: expected two columns of images, such as {' and '.join(IMAGE_COLUMNS[0])}, and one of "
            f"{', '.join(LABEL_COLUMNS)}; got {', '.join(names)}"
        )
    try:
        genuine = _labels(path, file.read(columns=[label]).column(label).to_pylist())
        said = file.read(columns=["fold"]).column("fold").to_pylist() if "fold" in names else None
    except arrow_damage(arrow) as error:
        raise DataError(f"{path}: its columns of labels and folds cannot be read: {cause(error)}") from None
    folds = unshuffled_folds(len(genuine)) if said is None else _folds(path, said)
    images = tuple(Path(f"{path}#{row}{side}") for row in range(len(genuine)) for side in "ab")
    rows = np.arange(len(genuine), dtype=np.int64)
    pairs = Pairs(path.name, images, 2 * rows, 2 * rows + 1, genuine, folds)
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
    return ParquetPairs(pairs, path, file, columns, np.cumsum([0, *sizes]).tolist())


def _folds(path: Path, values: list[Any]) -> IntArray:
    wrong = next((row for row, value in enumerate(values) if not isinstance(value, int) or value < 0), None)
    if wrong is not None:
        raise DataError(f"{path}: row {wrong}: a fold is a number from 0; got {values[wrong]!r}")
    known = set(values)
    if len(known) <= max(known):
        missing = next(fold for fold in count() if fold not in known)
        raise DataError(f"{path}: folds are 0 to {max(known)}; got no pair of fold {missing}")
    return np.asarray(values, dtype=np.int64)


def _labels(path: Path, values: list[Any]) -> BoolArray:
    wrong = next((row for row, value in enumerate(values) if value not in (0, 1)), None)
    if wrong is not None:
        raise DataError(
            f"{path}: row {wrong}: whether a pair is genuine is true or false, 1 or 0; got {values[wrong]!r}"
        )
    if len(values) < FOLDS or all(values) or not any(values):
        raise DataError(
            f"{path}: {FOLDS} pairs or more, of both kinds, are needed; got {len(values)}, {sum(values)} genuine"
        )
    return np.asarray(values, dtype=bool)
