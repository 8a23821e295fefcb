"""Parquet files in the layout of Hugging Face: a column of image bytes and a column of labels.

The image column is a struct with a field ``bytes`` (as `datasets` writes it), or plain bytes. Labels are whole numbers
or text; the names of numbers are taken from the metadata that `datasets` writes, where there are some. An image is read
with its row group: the groups read last stay in memory, so that small groups (``ROW_GROUP`` here) make random order
cheap and large ones do not; sampler.BlockOrder is for these.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from marginface.data.images.encoded import Listing, number_identities
from marginface.data.packs.bytefile import most_open
from marginface.data.packs.names import LABEL_NAMES
from marginface.documents import parse_json, whole_number
from marginface.errors import DataError, MissingExtra, UnreadableImage
from marginface.locations import is_remote, store_of
from marginface.values import IntArray
from marginface.words import cause

_KEPT_BYTES = 256_000_000  # of row groups read last
_IMAGES = ("image", "img", "jpg", "jpeg", "png", "bytes", "image_bytes")


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which column holds the image, whether it is a struct, and which the label; names of the labels, if any."""

    image: str
    in_struct: bool
    label: str
    names: tuple[str, ...]


class ParquetImages:
    """The images of Parquet files, in the order of the files and rows.

    Args:
        paths: the files; all of one layout.
        label: the column of the label; "" takes one of ``names.LABEL_NAMES``.

    Raises:
        DataError: a file is no Parquet file or has no such columns.
        MissingExtra: pyarrow is not installed.
    """

    def __init__(self, paths: Sequence[Path], label: str = "") -> None:
        arrow, parquet = load_pyarrow()
        self._arrow = arrow
        self._paths = tuple(paths)
        self._files = _Files(arrow, parquet, self._paths)
        self._columns = _find_columns(arrow, self._files[0].schema_arrow, paths[0], label)
        told = [self._files[i].metadata for i in range(len(paths))]
        self._groups = [(i, g) for i, metadata in enumerate(told) for g in range(metadata.num_row_groups)]
        rows = [told[i].row_group(g).num_rows for i, g in self._groups]
        self._starts: IntArray = np.cumsum([0, *rows], dtype=np.int64)
        self._kept: OrderedDict[int, Any] = OrderedDict()
        self._lock = Lock()
        labels = self._labels(arrow)
        self._rows = np.flatnonzero([label is not None for label in labels])
        identities, numbers = number_identities([str(label) for label in labels if label is not None])
        self.listing = Listing(
            origin=str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1:,} more",
            identities=_named(identities, self._columns.names),
            labels=numbers,
            sizes=np.zeros(len(numbers), np.int64),
            files=self._paths,
            names_sha256=hashlib.sha256(self._rows.tobytes()).hexdigest(),
            left_out=tuple(f"row {row}: no label" for row, label in enumerate(labels) if label is None),
            starts=np.searchsorted(self._rows, self._starts[:-1]),
        )

    def name(self, index: int) -> str:
        """Return identity and row, counted over all files: Ann/00000017."""
        return f"{self.listing.identities[self.listing.labels[index]]}/{self._rows[index]:08d}"

    def place(self, index: int) -> str:
        """Return the file and the row, counted over all files."""
        row = int(self._rows[index])
        return f"{self._paths[self._groups[self._group_of(row)][0]]}, row {row}"

    def part(self, indices: IntArray) -> ParquetImages:
        """Return some images alone."""
        part = copy(self)
        part._rows = self._rows[indices]
        part.listing = self.listing.part(indices)
        return part

    def __getstate__(self) -> dict[str, Any]:
        """Return all but what another process makes anew."""
        return {
            name: value for name, value in self.__dict__.items() if name not in ("_files", "_kept", "_lock", "_arrow")
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._arrow, parquet = load_pyarrow()
        self._files = _Files(self._arrow, parquet, self._paths)
        self._kept, self._lock = OrderedDict(), Lock()

    def bytes_of(self, index: int) -> bytes:
        """Return the image of a row."""
        row = int(self._rows[index])
        group = self._group_of(row)
        images, place = self._group(group), row - int(self._starts[group])
        if place >= len(images):
            raise UnreadableImage(f"{self.place(index)}: the row group is damaged: it has fewer rows than it says")
        value = images[place].as_py()
        if value is None:
            raise UnreadableImage(f"{self.place(index)}: the row holds no image bytes (only a path, perhaps)")
        return bytes(value)

    def _group_of(self, row: int) -> int:
        return int(np.searchsorted(self._starts, row, side="right")) - 1

    def _group(self, group: int) -> Any:
        """Return the image bytes of a row group, from memory or read; one thread reads at a time."""
        with self._lock:
            if group in self._kept:
                self._kept.move_to_end(group)
                return self._kept[group]
            file, number = self._groups[group]
            images = self._read(file, number, self._columns.image).combine_chunks()
            self._kept[group] = images.field("bytes") if self._columns.in_struct else images
            while len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept.values()) > _KEPT_BYTES:
                self._kept.popitem(last=False)
            return self._kept[group]

    def _read(self, file: int, group: int, column: str) -> Any:
        """Return one column of a row group.

        Raises:
            UnreadableImage: the file is damaged there.
        """
        try:
            return self._files[file].read_row_group(group, columns=[column], use_threads=False).column(column)
        except arrow_damage(self._arrow) as error:
            if _is_of_the_disk(error):
                raise
            raise UnreadableImage(f"{self._paths[file]}: row group {group} is damaged: {cause(error)}") from None

    def _labels(self, arrow: Any) -> list[Any]:
        """Return the label of every row, None where there is none."""
        labels: list[Any] = []
        for i, path in enumerate(self._paths):
            try:
                labels += self._files[i].read(columns=[self._columns.label]).column(self._columns.label).to_pylist()
            except arrow_damage(arrow) as error:
                if _is_of_the_disk(error):
                    raise
                raise DataError(
                    f"{path}: expected the columns of {self._paths[0].name}, {self._columns.label!r} among them; got "
                    f"{cause(error)}"
                ) from None
        if all(label is None for label in labels):
            raise DataError(f"{self._paths[0]}: no row has a label in the column {self._columns.label!r}")
        return labels


def find_parquet(path: Path) -> list[Path]:
    """Return the Parquet files that a path means: one, those below a folder, or those that a pattern matches."""
    if path.is_dir():
        return sorted(path.rglob("*.parquet"))
    if path.suffix != ".parquet":
        return []
    return sorted(path.parent.glob(path.name)) if any(sign in path.name for sign in "*?[") else [path]


def open_parquet(path: Path, label: str = "") -> ParquetImages:
    """Open a Parquet file, or those of a folder or of a pattern such as data/train-*.parquet.

    Raises:
        DataError: there is none, or a folder holds training files and others.
    """
    found = find_parquet(path)
    if not found:
        raise DataError(f"{path}: expected Parquet files (a .parquet file, a folder, train-*.parquet); got none")
    splits = sorted({file.name.split("-")[0].removesuffix(".parquet") for file in found})
    if path.is_dir() and len(splits) > 1:
        raise DataError(
            f"{path}: holds files of {len(splits)} kinds: {', '.join(splits[:5])}. Say which: "
            f"{found[0].parent / (('train' if 'train' in splits else splits[-1]) + '-*.parquet')}"
        )
    return ParquetImages(found, label)


def load_pyarrow() -> tuple[Any, Any]:
    """Return pyarrow and pyarrow.parquet; raise MissingExtra if they are not installed."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("Parquet files need pyarrow: pip install 'marginface[data]'") from error
    return pa, parquet


def arrow_damage(arrow: Any) -> tuple[type[Exception], ...]:
    """Return what pyarrow raises on content that is not what it claims: OSError without a number among it."""
    return (arrow.ArrowException, OSError, ValueError, KeyError)


class _Files:
    """Parquet files, each opened when it is asked for; of very many those that were opened last stay open."""

    def __init__(self, arrow: Any, parquet: Any, paths: Sequence[Path]) -> None:
        self._arrow, self._parquet, self._paths = arrow, parquet, paths
        self._open: dict[int, Any] = {}

    def __getitem__(self, number: int) -> Any:
        if number not in self._open:
            self._open[number] = _opened(self._arrow, self._parquet, self._paths[number])
            while len(self._open) > most_open():
                del self._open[next(iter(self._open))]
        return self._open[number]


def _opened(arrow: Any, parquet: Any, path: Path) -> Any:
    store, key = store_of(path) if is_remote(path) else (None, str(path))
    try:
        return parquet.ParquetFile(key, filesystem=store)
    except arrow_damage(arrow) as error:
        if _is_of_the_disk(error):
            raise
        raise DataError(
            f"{path}: expected a whole Parquet file; got {cause(error)}. Copy or download it again"
        ) from None


def _is_of_the_disk(error: Exception) -> bool:
    """Say whether the disk failed; pyarrow raises OSError without a number for damaged content as well."""
    return isinstance(error, OSError) and error.errno is not None


def _find_columns(arrow: Any, schema: Any, path: Path, label: str) -> _Columns:
    """Return the columns; raise DataError if there are none or the choice is not clear."""
    structs = [
        field.name for field in schema if arrow.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0
    ]
    plain = [field.name for field in schema if _is_bytes(arrow, field.type)]
    images = structs + plain
    image = images[0] if len(images) == 1 else next((name for name in _IMAGES if name in images), None)
    names = [label] if label else LABEL_NAMES
    chosen = next((name for name in names if name in schema.names and name != image), None)
    if image is None or chosen is None:
        raise DataError(
            f"{path}: expected image bytes and labels in columns ({label or ', '.join(LABEL_NAMES[:4])} …); got "
            f"{', '.join(f'{field.name}: {field.type}' for field in schema)}. Name the label's column with label"
        )
    return _Columns(image, image in structs, chosen, _class_names(schema, chosen))


def _is_bytes(arrow: Any, kind: Any) -> bool:
    return bool(arrow.types.is_binary(kind) or arrow.types.is_large_binary(kind))


def _class_names(schema: Any, column: str) -> tuple[str, ...]:
    """Return the names of a ClassLabel in the metadata of Hugging Face's datasets, or none."""
    try:
        features = parse_json((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return tuple(str(name) for name in features[column]["names"])
    except (KeyError, TypeError, ValueError):
        return ()


def _named(identities: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of numbered identities, if there is a distinct one for each number."""
    numbers = [number for name in identities if (number := whole_number(name)) is not None]
    if len(numbers) != len(identities) or len(set(names)) != len(names) or max(numbers, default=0) >= len(names):
        return identities
    return tuple(names[number] for number in numbers)
