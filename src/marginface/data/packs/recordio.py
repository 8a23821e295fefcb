"""InsightFace and im2rec packs: train.rec with train.idx, read without MXNet.

A record is the magic number, a word with three bits that say whether it is a part of a longer one and 29 bits of
length, then the content, filled up to a multiple of four bytes. Where the content holds the magic number at a multiple
of four, the writer leaves it out and begins a new part there; the reader puts it back. The content begins with a header
(flag, label, id, id2); flag > 0 says that as many float32 labels follow and the first of them counts. Then comes the
image. The layout is that of dmlc-core's recordio and MXNet's image record header.

InsightFace packs have besides: record 0 without an image, whose two labels are where image and identity records end
and begin; and, after the images, a record without an image per identity. Which record is an image is decided by the
records themselves: what has no content after its labels is none.
"""

from __future__ import annotations

import hashlib
import warnings
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginface.data.images.encoded import Listing
from marginface.data.images.kept import keep_arrays, kept_arrays, kept_place, text_array, texts_of
from marginface.data.packs.bytefile import ByteFile
from marginface.data.packs.record import MAGIC, Part, padded, record_content, split_header
from marginface.errors import DataError, UnreadableImage
from marginface.geometry import CROP_SIZE
from marginface.locations import is_remote
from marginface.values import IntArray

PROPERTY = "property"
NAMES = "identities.txt"
_KIND = "recordio 1"
_FLAG, _LABEL, _FIRST_LABEL = 2, 3, 8  # words after the offset of a record
_START = 32  # bytes from the offset of a record to its labels, or to the image where there are none
_TOO_LARGE = 1 << 31  # a label from here on is no number of an identity
_DENSE = 1 << 26  # labels up to here are counted, which is faster than sorting them
_HEADERS = _START - 8  # of these the image header, which counts as content


class RecordImages:
    """The images of a .rec file, in the order in which they lie in it; an identity is a whole number ≥ 0.

    Names of identities come from ``identities.txt`` beside the pack (line i is label i), which `marginface data
    convert` writes; other packs have none, and the number is the name.

    Args:
        path: the .rec or .idx file. Without an .idx file the records are walked through once.

    Raises:
        DataError: the file is cut short or holds no records, or the index belongs to another file.
    """

    def __init__(self, path: Path) -> None:
        self._file = ByteFile(path.with_suffix(".rec"))
        index = path.with_suffix(".idx")
        files = (self._file.path, index) if index.is_file() else (self._file.path,)
        place = kept_place(_KIND, files)
        arrays = kept_arrays(place)
        if arrays is None:
            arrays = _scan(self._file, index if index.is_file() else None)
            keep_arrays(place, arrays)
        self._keys: IntArray = arrays["keys"]
        self._starts: IntArray = arrays["starts"]
        self._parts = arrays["parts"]
        numbers, labels = _numbered(arrays["labels"])
        self.listing = Listing(
            origin=str(self._file.path),
            identities=_names(self._file.path.with_name(NAMES), numbers),
            labels=labels,
            sizes=arrays["sizes"],
            files=files,
            names_sha256=hashlib.sha256(arrays["keys"].tobytes()).hexdigest(),
            left_out=tuple(texts_of(arrays["left_out"])),
            problems=(*texts_of(arrays["problems"]), *_property_problems(self._file.path, numbers)),
        )

    def name(self, index: int) -> str:
        """Return identity and key: 17/00000023."""
        return f"{self.listing.identities[self.listing.labels[index]]}/{self._keys[index]:08d}"

    def place(self, index: int) -> str:
        """Return the file and the key of the record."""
        return f"{self._file.path}, record {self._keys[index]}"

    def part(self, indices: IntArray) -> RecordImages:
        """Return some images alone."""
        part = copy(self)
        part._keys, part._starts, part._parts = self._keys[indices], self._starts[indices], self._parts[indices]
        part.listing = self.listing.part(indices)
        return part

    def bytes_of(self, index: int) -> bytes:
        """Return the image of a record."""
        if self._parts[index]:
            content, _ = record_content(self._file, int(self._starts[index]))
            return split_header(content)[1]
        return self._file.read(int(self._starts[index]), int(self.listing.sizes[index]))


def find_records(path: Path) -> list[Path]:
    """Return the .rec files that a path means: itself, or those in the folder."""
    if path.is_dir():
        return sorted(path.glob("*.rec"))
    return [path.with_suffix(".rec")] if path.suffix in (".rec", ".idx") else []


def open_records(path: Path) -> RecordImages:
    """Open the pack in a folder, or this one; raise DataError if there is none or several."""
    found = find_records(path)
    if is_remote(path):
        raise DataError(
            f"{path}: RecordIO is read from a disk of this machine. Copy it here, or convert it where it is on a disk: "
            "marginface data convert FOLDER URL --format tar"
        )
    if len(found) != 1 or not found[0].is_file():
        names = ", ".join(file.name for file in found) or "none"
        raise DataError(f"{path}: expected one .rec file with its .idx beside it; got {names}. Give the path of one")
    return RecordImages(found[0])


def _scan(file: ByteFile, index: Path | None) -> dict[str, NDArray[Any]]:
    """Read every record's header: where the images are and which labels they have."""
    keys, offsets = _walk(file) if index is None else _read_index(index)
    order = np.argsort(offsets, kind="stable")
    keys, offsets = keys[order], offsets[order]
    words = _words(file)
    lengths, parts = _check_records(file, words, keys, offsets)
    flags = _word(words, offsets, _FLAG).astype(np.int64)
    several, single = (_word(words, offsets, place).view("<f4") for place in (_FIRST_LABEL, _LABEL))
    labels = np.where(flags > 0, several, single).astype(np.float64)
    starts = offsets + _START + 4 * flags
    sizes = np.where(lengths < _HEADERS, -1, lengths - _HEADERS - 4 * flags)
    for place in np.flatnonzero(parts):  # rare: an image that holds the magic number
        labels[place], sizes[place] = _whole_header(file, int(offsets[place]))
        starts[place] = offsets[place]
    short = sizes < 0
    numbered = np.isfinite(labels) & (labels >= 0) & (labels < _TOO_LARGE) & (labels == np.floor(labels))
    images = ~short & (sizes > 0)
    used = images & numbered
    if not used.any():
        raise DataError(
            f"{file.path}: expected records with an image and a label; got {len(keys):,} records, none such"
        )
    left_out = [
        f"{file.path}, record {keys[i]}: " + ("no image record" if short[i] else f"label {labels[i]:g}")
        for i in np.flatnonzero(short | (images & ~numbered))
    ]
    twice = int((np.diff(offsets) == 0).sum())
    problems = [f"the index points {twice:,} times to a record that another key has"] if twice else []
    if keys[0] == 0 and not images[0]:
        problems += _header_problems(file, int(offsets[0]), images, short)
    return {
        "keys": keys[used],
        "starts": starts[used],
        "sizes": sizes[used],
        "parts": parts[used],
        "labels": labels[used].astype(np.int64),
        "left_out": text_array(left_out),
        "problems": text_array(problems),
    }


def _numbered(labels: IntArray) -> tuple[IntArray, IntArray]:
    """Return the distinct labels, sorted, and which of them each is."""
    if labels.max() > _DENSE:
        numbers, places = np.unique(labels, return_inverse=True)
        return numbers, places.astype(np.int64).reshape(-1)
    present = np.bincount(labels) > 0
    return np.flatnonzero(present), (np.cumsum(present) - 1)[labels].astype(np.int64)


def _words(file: ByteFile) -> NDArray[np.uint32]:
    if file.size < _START:
        raise DataError(f"{file.path}: expected records of at least {_START} bytes; got a file of {file.size} bytes")
    return np.memmap(file.path, dtype="<u4", mode="r", shape=(file.size // 4,))


def _word(words: NDArray[np.uint32], offsets: IntArray, place: int) -> NDArray[np.uint32]:
    """Return a word of every record; of one that is too short, any word."""
    return words[np.minimum(offsets // 4 + place, len(words) - 1)]


def _read_index(path: Path) -> tuple[IntArray, IntArray]:
    """Return the keys and offsets of an .idx file: lines of key, tab, offset."""
    content = path.read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy only warns of text that is no number
            numbers = np.fromstring(content.decode("ascii"), dtype=np.int64, sep=" ")
    except (DeprecationWarning, ValueError):
        numbers = np.empty(0, np.int64)
    if len(numbers) == 0 or len(numbers) != 2 * (content.strip().count(b"\n") + 1):
        raise DataError(f"{path}: expected lines of key, tab, offset, as in '17\\t94208'; got another layout")
    return numbers[0::2].copy(), numbers[1::2].copy()


def _walk(file: ByteFile) -> tuple[IntArray, IntArray]:
    """Return 0, 1, … and the offset of every record of a file without an index."""
    offsets, offset = [], 0
    while offset < file.size:
        offsets.append(offset)
        offset = record_content(file, offset)[1]
    return np.arange(len(offsets), dtype=np.int64), np.asarray(offsets, dtype=np.int64)


def _check_records(
    file: ByteFile, words: NDArray[np.uint32], keys: IntArray, offsets: IntArray
) -> tuple[IntArray, NDArray[np.bool_]]:
    """Return the length of every record and which are in parts; raise DataError unless each offset begins a record."""
    beyond = np.flatnonzero(offsets + 8 > file.size)
    if len(beyond):
        raise _cut_short(file, int(keys[beyond[0]]), int(offsets[beyond[0]]), len(beyond))
    wrong = (offsets < 0) | (offsets % 4 != 0)
    wrong[~wrong] = words[offsets[~wrong] // 4] != MAGIC
    second = words[np.where(wrong, 0, offsets) // 4 + 1]
    part = second >> 29
    bad = np.flatnonzero(wrong | (part > 1))
    if len(bad):
        raise DataError(
            f"{file.path}: {len(bad):,} of {len(keys):,} entries of the index point where no record begins, such as "
            f"key {keys[bad[0]]}, offset {offsets[bad[0]]:,}. The index belongs to another file, or the file is "
            "damaged; without the .idx file the records are found by walking through them"
        )
    lengths = (second & ((1 << 29) - 1)).astype(np.int64)
    beyond = np.flatnonzero(offsets + 8 + padded(lengths) > file.size)
    if len(beyond):
        raise _cut_short(file, int(keys[beyond[0]]), int(offsets[beyond[0]]), len(beyond))
    return lengths, part == Part.FIRST


def _cut_short(file: ByteFile, key: int, offset: int, count: int) -> DataError:
    return DataError(
        f"{file.path}: the file ends at {file.size:,} bytes, within or before record {key} at {offset:,} "
        f"({count:,} records are not whole). It was cut short: copy or download it again"
    )


def _whole_header(file: ByteFile, offset: int) -> tuple[float, int]:
    """Return label and image size of a record that is in parts."""
    content, _ = record_content(file, offset)
    try:
        labels, image = split_header(content)
    except UnreadableImage:
        return -1.0, -1
    return labels[0], len(image)


def _header_problems(file: ByteFile, offset: int, images: NDArray[np.bool_], short: NDArray[np.bool_]) -> list[str]:
    """Compare what record 0 says of the pack with what is there; it holds float32, so it is rounded above 2**24."""
    if short[0]:
        return []
    labels, _ = split_header(record_content(file, offset)[0])
    if len(labels) < 2:
        return [f"record 0 has no image and {len(labels)} label; InsightFace packs have two there"]
    claimed = (labels[0], labels[1] - labels[0])
    counted = (float(images.sum()) + 1, float((~images & ~short).sum()) - 1)
    what = ("the first identity record", "identity records")
    rounding = (max(1.0, labels[0] * 2**-23), max(1.0, labels[1] * 2**-22)) if labels[1] > 2**24 else (0.5, 0.5)
    return [
        f"record 0 claims {name} {claim:.0f}; the records say {count:.0f}"
        for name, claim, count, slack in zip(what, claimed, counted, rounding, strict=True)
        if not abs(claim - count) < slack
    ]


def _property_problems(rec: Path, numbers: IntArray) -> list[str]:
    """Compare the file property (classes,height,width) with the data."""
    path = rec.with_name(PROPERTY)
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    try:
        classes, height, width = (int(part) for part in text.split(","))
    except ValueError:
        return [f"{path}: expected classes,height,width as in 85742,112,112; got {text[:40]!r}"]
    found = []
    if classes != len(numbers):
        found.append(f"{path}: claims {classes:,} identities; the data has {len(numbers):,}")
    if (height, width) != (CROP_SIZE, CROP_SIZE):
        found.append(f"{path}: claims images of {width}×{height}; crops are {CROP_SIZE}×{CROP_SIZE}")
    return found


def _names(path: Path, numbers: IntArray) -> tuple[str, ...]:
    """Return the names of these labels: from the file, if it has a distinct one for each, else the numbers."""
    plain = tuple(str(number) for number in numbers.tolist())
    if not path.is_file():
        return plain
    lines = path.read_text(encoding="utf-8", errors="replace").removesuffix("\n").split("\n")
    if len(set(lines)) != len(lines) or numbers[-1] >= len(lines):
        raise DataError(
            f"{path}: expected a distinct name for each of the labels 0 to {numbers[-1]}, one a line; got "
            f"{len(lines):,} lines, {len(set(lines)):,} distinct. Correct it, or move it away to use the numbers"
        )
    return tuple(lines[number] for number in numbers.tolist())
