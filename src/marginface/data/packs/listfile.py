"""Lists of image files: path and label a line, with tabs or commas, and the .lst files of im2rec and InsightFace.

crops/1.jpg,Ann                  two columns: path, label (.csv, .tsv, .txt)
path,label                       a first line that names columns: path and label stand anywhere
17<tab>3<tab>crops/1.jpg         .lst of im2rec: index, label, path (with more labels between, the first counts)
1<tab>crops/1.jpg<tab>3          .lst of InsightFace: aligned, path, label (more columns are not read)
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path

import numpy as np

from marginface.data.crops.folder import read_file
from marginface.data.images.encoded import Listing, number_identities, sha256_of
from marginface.data.packs.names import LABEL_NAMES, plain_number
from marginface.errors import DataError
from marginface.files import listed_path
from marginface.locations import location
from marginface.values import IntArray
from marginface.words import cause

SUFFIXES = frozenset({".lst", ".csv", ".tsv", ".txt"})
_PATHS = ("path", "file", "filename", "file_name", "image", "image_path", "img")
_Row = list[str]
_Pick = Callable[[_Row], tuple[str, str]]


class ListedImages:
    """The images that a list names, in its order; a relative path is relative to the folder of the list.

    Args:
        path: the list; UTF-8. Empty lines and lines that start with # are left out.
        label: the column of the label, where the first line names the columns; "" takes one of ``LABEL_NAMES``.

    Raises:
        DataError: the list is missing or a line is not as described; the message names the line.
    """

    def __init__(self, path: Path, label: str = "") -> None:
        self._folder = path.parent
        paths, labels = [], []
        for where, label_text in _entries(path, label):
            paths.append(where)
            labels.append(label_text)
        if not paths:
            raise DataError(f"{path}: expected lines of path and label; got none")
        self._paths = paths
        identities, numbers = number_identities(labels)
        self.listing = Listing(
            str(path), identities, numbers, np.zeros(len(paths), np.int64), names_sha256=sha256_of(paths)
        )

    def name(self, index: int) -> str:
        """Return identity and path as the list has them."""
        return f"{self.listing.identities[self.listing.labels[index]]}/{self._paths[index]}"

    def place(self, index: int) -> str:
        """Return the path of the file."""
        path = self._paths[index]
        return path if "://" in path else str(listed_path(self._folder, path))

    def part(self, indices: IntArray) -> ListedImages:
        """Return some images alone."""
        part = copy(self)
        part._paths = [self._paths[index] for index in indices.tolist()]
        part.listing = self.listing.part(indices)
        return part

    def bytes_of(self, index: int) -> bytes:
        """Return what the file holds; the list may have URLs of a store."""
        path = self._paths[index]
        return read_file(location(path) if "://" in path else listed_path(self._folder, path))


def find_lists(path: Path) -> list[Path]:
    """Return the list that a path means, if its suffix is one of a list; in a folder, its .lst files."""
    if path.is_dir():
        return sorted(path.glob("*.lst"))
    return [path] if path.suffix.lower() in SUFFIXES else []


def open_list(path: Path, label: str = "") -> ListedImages:
    """Open a list, or the only .lst file of a folder."""
    found = find_lists(path)
    if len(found) != 1:
        raise DataError(f"{path}: expected one list; got {', '.join(file.name for file in found) or 'none'}")
    return ListedImages(found[0], label)


def _entries(path: Path, label: str) -> Iterator[tuple[str, str]]:
    """Yield path and label of every line."""
    pick: _Pick | None = None
    for number, row in _rows(path):
        if pick is None:
            pick, is_header = _columns(path, row, label)
            if is_header:
                continue
        try:
            where, text = (part.strip() for part in pick(row))
        except (IndexError, ValueError):
            where = text = ""
        if not where or not text:
            raise DataError(f"{path}:{number}: expected path and label as in the lines before; got {row!r}")
        yield where, text


def _rows(path: Path) -> Iterator[tuple[int, _Row]]:
    """Yield line number and columns; the separator is a tab where the first line has one, else a comma."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            first = next((line for line in stream if line.strip() and not line.startswith("#")), "")
            stream.seek(0)
            if "\t" in first:
                rows: Iterator[_Row] = (line.rstrip("\r\n").split("\t") for line in stream)
            else:
                rows = csv.reader(stream)
            for number, row in enumerate(rows, 1):
                if any(part.strip() for part in row) and not row[0].startswith("#"):
                    yield number, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected a text file of paths and labels; got {cause(error)}") from None


def _columns(path: Path, row: _Row, label: str) -> tuple[_Pick, bool]:
    """Return how to find path and label in a row, and whether this first row names the columns."""
    names = [part.strip().lower() for part in row]
    labels = [label.lower()] if label else [name for name in LABEL_NAMES if name in names]
    paths = [name for name in _PATHS if name in names]
    if paths and labels and labels[0] in names:
        place, at = names.index(paths[0]), names.index(labels[0])
        return lambda row: (row[place], row[at]), True
    if label:
        raise DataError(f"{path}: expected a first line that names a path and {label!r}; got {row!r}")
    if len(row) == 2:
        return lambda row: (row[0], row[1]), False
    if len(row) > 2 and _is_number(row[0]) and _is_number(row[1]):
        return lambda row: (row[-1], plain_number(row[1])), False
    if len(row) > 2 and _is_number(row[0]) and _is_number(row[2]):
        return lambda row: (row[1], plain_number(row[2])), False
    raise DataError(
        f"{path}: expected path and label with a tab or comma between (or index, label, path; or aligned, path, "
        f"label; or a first line such as path,label); got {row!r}"
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
