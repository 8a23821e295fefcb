"""Crops in folders, one folder per identity: root/Name/anything.jpg."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marginface.data.manifest import Manifest, content_fingerprint
from marginface.data.memory import CropMemory
from marginface.data.names import identity_key
from marginface.data.source import check_indices
from marginface.errors import DataError, ImageError, InputError
from marginface.geometry import CROP_SIZE
from marginface.images import list_images, read_image
from marginface.values import ImageArray, IntArray, frozen

THREADS = 4


@dataclass(frozen=True, slots=True)
class _File:
    """One image file: where it is, its name in the fingerprint, its identity, and what the scan found."""

    path: Path
    relative: str
    identity: str
    size: int = 0
    sha256: str = ""
    readable: bool = True


class IdentityFolders:
    """Aligned 112×112 crops under one or several roots; the name of a folder directly below a root is the identity.

    The same folder name in several roots is the same identity. Every file is read, hashed and decoded once when the
    source is made (on several threads); the crops that fit ``memory_gb`` stay in memory, the others are decoded again
    at each ``read``. Files that do not decode are left out and named in ``manifest.unreadable``.

    Args:
        paths: one or more roots.
        exclude: identities to leave out, compared by ``names.identity_key`` (case, spaces, punctuation do not count).
        min_images: identities with fewer readable images are left out and named in ``manifest.too_few``.
        memory_gb: how many GB (1e9 bytes) of decoded crops to keep.

    Raises:
        DataError: a root is missing or empty, a readable image is not 112×112, or nothing is left.
    """

    def __init__(
        self,
        paths: Sequence[Path] | Path,
        *,
        exclude: Sequence[str] = (),
        min_images: int = 1,
        memory_gb: float = 4.0,
    ) -> None:
        if min_images < 1:
            raise InputError(f"min_images is ≥ 1; got {min_images}")
        roots = [paths] if isinstance(paths, Path) else list(paths)
        found, excluded = _find_files(roots, {identity_key(name) for name in exclude})
        memory = CropMemory(len(found), memory_gb)
        scanned = _scan(found, memory)
        kept, too_few = _keep_populous(scanned, min_images)
        if not kept:
            raise DataError(
                f"{_names(roots)}: no identity is left: {len(excluded)} are excluded, {len(too_few)} have fewer than "
                f"{min_images} readable images, {sum(not file.readable for file in scanned)} files do not decode"
            )
        self._slots: IntArray = np.asarray(kept, dtype=np.int64)
        self._files = scanned
        self._memory = memory
        files = [scanned[slot] for slot in kept]
        self._identities = tuple(sorted({file.identity for file in files}))
        label = {name: i for i, name in enumerate(self._identities)}
        self._labels: IntArray = frozen(np.asarray([label[file.identity] for file in files], dtype=np.int64))
        self.manifest = Manifest(
            identities=len(self._identities),
            images=len(files),
            sha256=content_fingerprint((file.relative, file.size, file.sha256) for file in files),
            min_images=min_images,
            unreadable=tuple(str(file.path) for file in scanned if not file.readable),
            excluded=tuple(excluded),
            too_few=tuple(too_few),
        )

    @property
    def identities(self) -> tuple[str, ...]:
        """The folder names, sorted."""
        return self._identities

    @property
    def labels(self) -> IntArray:
        """The label of every crop, (N,) int64."""
        return self._labels

    def read(self, indices: IntArray) -> ImageArray:
        """Return the crops at these indices, from memory or decoded on several threads.

        Raises:
            DataError: a file has changed since the source was made.
        """
        slots = self._slots[check_indices(indices, len(self._labels))]
        out = np.empty((len(slots), CROP_SIZE, CROP_SIZE, 3), dtype=np.uint8)
        held = self._memory.holds(slots)
        out[held] = self._memory.get(slots[held])
        missing = np.flatnonzero(~held)
        if len(missing):
            with ThreadPoolExecutor(THREADS) as pool:
                for place, crop in zip(missing, pool.map(self._decode, slots[missing].tolist()), strict=True):
                    out[place] = crop
        return out

    def fingerprint(self) -> str:
        """Return the manifest's sha256: over relative path, size and content hash of every crop used."""
        return self.manifest.sha256

    def _decode(self, slot: int) -> ImageArray:
        path = self._files[slot].path
        try:
            return _check_size(read_image(path), path)
        except (ImageError, OSError) as error:
            raise DataError(f"{path}: it was readable when the data was opened and is not now: {error}") from error


def _find_files(roots: Sequence[Path], excluded_keys: set[str]) -> tuple[list[_File], list[str]]:
    """Return all image files, sorted by identity then by root and path, and the folder names left out."""
    if not roots:
        raise InputError("expected one or more folders of crops; got none")
    files: list[_File] = []
    excluded: set[str] = set()
    for number, root in enumerate(roots):
        folders = sorted(entry for entry in root.iterdir() if entry.is_dir()) if root.is_dir() else []
        if not folders:
            raise DataError(
                f"{root}: expected a folder with one folder per identity (root/Name/1.jpg); got "
                f"{'a folder without folders' if root.is_dir() else 'no folder'}"
            )
        for folder in folders:
            if identity_key(folder.name) in excluded_keys:
                excluded.add(folder.name)
                continue
            files += [_File(path, _relative(number, root, path), folder.name) for path in list_images(folder)]
    return sorted(files, key=lambda file: (file.identity, file.relative)), sorted(excluded)


def _relative(number: int, root: Path, path: Path) -> str:
    return f"{number}/{path.relative_to(root).as_posix()}"


def _scan(files: Sequence[_File], memory: CropMemory) -> list[_File]:
    """Read, hash and decode every file on several threads; keep in memory what fits."""

    def look(slot: int) -> _File:
        file = files[slot]
        content = file.path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        try:
            crop = read_image(content)
        except ImageError:
            return _File(file.path, file.relative, file.identity, len(content), digest, readable=False)
        memory.put(slot, _check_size(crop, file.path))
        return _File(file.path, file.relative, file.identity, len(content), digest)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(look, range(len(files))))


def _check_size(image: ImageArray, path: Path) -> ImageArray:
    if image.shape != (CROP_SIZE, CROP_SIZE, 3):
        raise DataError(
            f"{path}: expected an aligned crop of {CROP_SIZE}×{CROP_SIZE} pixels; got "
            f"{image.shape[1]}×{image.shape[0]}. Make crops from photos with `marginface align PHOTOS CROPS`"
        )
    return image


def _keep_populous(files: Sequence[_File], min_images: int) -> tuple[list[int], list[str]]:
    """Return the slots of readable files whose identity has min_images of them, and the other identities."""
    counts: dict[str, int] = {file.identity: 0 for file in files}
    for file in files:
        counts[file.identity] += file.readable
    kept = [slot for slot, file in enumerate(files) if file.readable and counts[file.identity] >= min_images]
    return kept, sorted(name for name, count in counts.items() if count < min_images)


def _names(roots: Sequence[Path]) -> str:
    return ", ".join(str(root) for root in roots)
