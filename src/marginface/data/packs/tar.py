"""Tar shards in the way of webdataset: key.jpg with key.cls or key.json, read at their offsets.

The key is the path up to the last dot, so that names with dots do no harm. key.cls holds the label as text; key.json an
object with the label in one of its fields. A shard is read through once to find the offsets; they are kept
(``data.images.kept``). Where an index lies beside a shard (``train-000000.tar.index.npz``, which `marginface.batch`
writes), the shard is not read at all: of shards in a store only the images that are asked for are fetched.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginface.data.images.encoded import Listing, number_identities, sha256_of
from marginface.data.images.kept import keep_arrays, kept_arrays, kept_place, text_array, texts_of
from marginface.data.packs.bytefile import ByteFile
from marginface.data.packs.names import LABEL_NAMES, plain_number
from marginface.documents import parse_json
from marginface.errors import DataError
from marginface.files import write_whole
from marginface.images import IMAGE_SUFFIXES
from marginface.values import IntArray

_KIND = "tar 1"
_READERS = 16  # indexes that are fetched at once
_LARGEST_LABEL = 1 << 20  # bytes of a key.json: more is no label
_Span = tuple[int, int]


class TarImages:
    """The images of tar shards, in the order of the shards and of the members.

    Args:
        paths: the shards, uncompressed.
        label: the field of key.json that holds the identity; "" takes one of ``names.LABEL_NAMES``.

    Raises:
        DataError: a shard is no tar file, is compressed or cut short, or no image has a label.
    """

    def __init__(self, paths: Sequence[Path], label: str = "") -> None:
        self._shards = {number: ByteFile(path) for number, path in enumerate(paths)}
        place = kept_place(f"{_KIND} {label}", paths)
        arrays = kept_arrays(place)
        if arrays is None:
            arrays = _scan(list(self._shards.values()), label)
            keep_arrays(place, arrays)
        self._keys = texts_of(arrays["keys"])
        self._shard: IntArray = arrays["shard"]
        self._offsets: IntArray = arrays["offsets"]
        identities, labels = number_identities(texts_of(arrays["labels"]))
        self.listing = Listing(
            origin=str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1:,} more",
            identities=identities,
            labels=labels,
            sizes=arrays["sizes"],
            files=tuple(paths),
            names_sha256=sha256_of(self._keys),
            left_out=tuple(texts_of(arrays["left_out"])),
            problems=tuple(texts_of(arrays["problems"])),
        )

    def name(self, index: int) -> str:
        """Return identity, number of the shard and key: Ann/0/00000017."""
        identity = self.listing.identities[self.listing.labels[index]]
        return f"{identity}/{self._shard[index]}/{self._keys[index]}"

    def place(self, index: int) -> str:
        """Return the shard and the key."""
        return f"{self._shards[int(self._shard[index])].path}, {self._keys[index]}"

    def part(self, indices: IntArray) -> TarImages:
        """Return some images alone."""
        part = copy(self)
        part._keys = [self._keys[index] for index in indices.tolist()]
        part._shard, part._offsets = self._shard[indices], self._offsets[indices]
        part._shards = {number: self._shards[number] for number in np.unique(part._shard).tolist()}
        part.listing = self.listing.part(indices)
        return part

    def bytes_of(self, index: int) -> bytes:
        """Return the member."""
        shard = self._shards[int(self._shard[index])]
        offset, size = int(self._offsets[index]), int(self.listing.sizes[index])
        return shard.read(offset, size)


@dataclass(slots=True)
class _Entry:
    """The members of one key: where the image and the label are."""

    image: _Span | None = None
    label: _Span | None = None
    is_json: bool = False


@dataclass(slots=True)
class _Found:
    """What the shards hold, image by image."""

    keys: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    shard: list[int] = field(default_factory=list)
    spans: list[_Span] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add_index(self, arrays: dict[str, NDArray[Any]], number: int) -> None:
        """Add what the index of a shard holds."""
        for name in ("keys", "labels", "left_out", "problems"):
            getattr(self, name).extend(texts_of(arrays[name]))
        self.spans += zip(arrays["offsets"].tolist(), arrays["sizes"].tolist(), strict=True)
        self.shard += [number] * len(arrays["offsets"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays, for data.images.kept."""
        spans = np.asarray(self.spans, dtype=np.int64).reshape(-1, 2)
        texts = {name: text_array(getattr(self, name)) for name in ("keys", "labels", "left_out", "problems")}
        return {"shard": np.asarray(self.shard, np.int64), "offsets": spans[:, 0], "sizes": spans[:, 1], **texts}


def find_shards(path: Path) -> list[Path]:
    """Return the shards that a path means: a .tar file, those in a folder, or those that a pattern matches."""
    if path.is_dir():
        return sorted(path.glob("*.tar"))
    if any(sign in path.name for sign in "*?["):
        return sorted(path.parent.glob(path.name)) if path.suffix == ".tar" else []
    return [path] if path.suffix == ".tar" else []


def open_shards(path: Path, label: str = "") -> TarImages:
    """Open one shard, or those of a folder or of a pattern such as data/train-*.tar."""
    found = find_shards(path)
    if not found:
        raise DataError(f"{path}: expected tar shards (a .tar file, a folder with some, train-*.tar); got none")
    return TarImages(found, label)


def _scan(shards: Sequence[ByteFile], label: str) -> dict[str, NDArray[Any]]:
    found = _Found()
    with ThreadPoolExecutor(_READERS) as pool:
        indexes = pool.map(_read_index, [] if label else shards)
        for number, (shard, index) in enumerate(zip_longest(shards, indexes)):
            if index is None:
                _walk(shard, found, number, label)
            else:
                found.add_index(index, number)
    if not found.keys:
        raise DataError(
            f"{shards[0].path}: expected images with labels: key.jpg with key.cls or key.json; got none"
            + (f" ({found.left_out[0]})" if found.left_out else "")
        )
    return found.arrays()


def write_index(shard: Path, beside: Path) -> None:
    """Write the index of a shard that this machine has, to be beside where the shard will be."""
    found, file = _Found(), ByteFile(shard)
    _walk(file, found, 0, "")
    arrays = {**found.arrays(), "tar_size": np.asarray(file.size)}
    write_whole(index_path(beside), lambda stream: np.savez(stream, **arrays))  # type: ignore[arg-type]


def index_path(shard: Path) -> Path:
    """Return where the index of a shard is."""
    return shard.with_name(shard.name + ".index.npz")


def _read_index(shard: ByteFile) -> dict[str, NDArray[Any]] | None:
    """Return the index beside a shard, None if there is none of this shard."""
    arrays = kept_arrays(index_path(shard.path))
    return arrays if arrays is not None and _fits(arrays, shard) else None


def _fits(arrays: dict[str, NDArray[Any]], shard: ByteFile) -> bool:
    """Say whether arrays are an index of this shard: of its size, with a span within it for each key."""
    if not arrays.keys() >= {"tar_size", "offsets", "sizes", "keys", "labels", "left_out", "problems"}:
        return False
    spans = [arrays[name] for name in ("tar_size", "offsets", "sizes")]
    if any(array.dtype.kind != "i" for array in spans) or [array.ndim for array in spans] != [0, 1, 1]:
        return False
    size, offsets, sizes = spans
    counts = {len(offsets), len(sizes), *(len(texts_of(arrays[name])) for name in ("keys", "labels"))}
    within = len(counts) == 1 and ((offsets >= 0) & (sizes >= 0) & (offsets <= shard.size - sizes)).all()
    return bool(within and size == shard.size)


def _walk(shard: ByteFile, found: _Found, number: int, label: str) -> None:
    """Read a shard through."""
    for key, entry in _entries(shard, found).items():
        _add(found, number, shard, key, entry, label)


def _add(found: _Found, number: int, shard: ByteFile, key: str, entry: _Entry, label: str) -> None:
    """Add the image of a key, or say why it is left out."""
    if entry.image is None:
        return
    text = "" if entry.label is None else _label(shard, entry, label)
    if not text:
        want = f"{key}.json with {label!r}" if label else f"{key}.cls, or {key}.json with a field of {LABEL_NAMES[:4]}"
        found.left_out.append(f"{shard.path}, {key}: no label: expected {want}")
        return
    found.keys.append(key)
    found.labels.append(text)
    found.shard.append(number)
    found.spans.append(entry.image)


def _label(shard: ByteFile, entry: _Entry, label: str) -> str:
    """Return the identity that a key.cls or key.json holds, "" if it holds none."""
    offset, size = entry.label or (0, 0)
    if size > _LARGEST_LABEL:
        return ""
    text = shard.read(offset, size).decode("utf-8", "replace").strip().replace("\0", "")
    if not entry.is_json:
        return plain_number(text) if not label else ""
    try:
        values = parse_json(text)
    except ValueError:
        return ""
    names = [label] if label else LABEL_NAMES
    value = next((values[name] for name in names if name in values), "") if isinstance(values, dict) else ""
    return plain_number(str(value)).replace("\0", "") if isinstance(value, str | int | float) else ""


def _entries(shard: ByteFile, found: _Found) -> dict[str, _Entry]:
    """Return the members of a shard by key, in the order in which the keys come."""
    entries: dict[str, _Entry] = {}
    for member in _members(shard, found):
        key, suffix = _split(member.name)
        span = (member.offset_data, member.size)
        if suffix in IMAGE_SUFFIXES:
            entry = entries.setdefault(key, _Entry())
            if entry.image is not None:
                found.left_out.append(f"{shard.path}, {member.name}: a second image of the same key")
                continue
            entry.image = span
        elif suffix in (".cls", ".json"):
            entry = entries.setdefault(key, _Entry())
            if entry.label is None or suffix == ".json":  # names say more than numbers
                entry.label, entry.is_json = span, suffix == ".json"
    return entries


def _split(name: str) -> tuple[str, str]:
    """Return key and suffix of a member: a/b.jpg is the key a/b with the suffix .jpg."""
    key, dot, suffix = name.rpartition(".")
    return (key, "." + suffix.lower()) if dot and "/" not in suffix else (name, "")


def _members(shard: ByteFile, found: _Found) -> Iterator[tarfile.TarInfo]:
    """Yield the regular files of a shard."""
    try:
        with shard.path.open("rb") as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            while (member := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep every one
                if member.isreg() and not member.issparse():
                    yield member
            if shard.read(min(archive.offset, shard.size), min(512, shard.size - archive.offset)).strip(b"\0") or (
                archive.offset >= shard.size
            ):
                found.problems.append(f"{shard.path}: no mark of its end: it may have been cut short")
    except tarfile.TarError as error:
        raise DataError(
            f"{shard.path}: expected an uncompressed tar file; got {error}. Cut short: copy it again; compressed: "
            "unpack it (images do not get smaller)"
        ) from None
