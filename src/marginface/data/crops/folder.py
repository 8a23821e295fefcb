"""Crops in folders, one folder per identity: root/Name/anything.jpg."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marginface.data.crops.encoded import EncodedCrops
from marginface.data.crops.exclusions import Exclusions
from marginface.data.crops.manifest import content_fingerprint
from marginface.data.images.decoding import Decoder
from marginface.data.images.encoded import Checked, Listing, sha256_of
from marginface.data.images.unfinished import check_finished
from marginface.errors import DataError, InputError, UnreadableImage
from marginface.files import shown_folders
from marginface.images import list_images
from marginface.locations import is_remote
from marginface.values import IntArray


@dataclass(frozen=True, slots=True)
class _File:
    """One image file: where it is, its name in the fingerprint, and its identity."""

    path: Path
    relative: str
    identity: str


class FolderImages:
    """The image files under one or several roots; the name of a folder directly below a root is the identity.

    The same folder name in several roots is the same identity. Images are sorted by identity, then by root and path.

    Raises:
        DataError: a root is missing or holds no folders.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        if not roots:
            raise InputError("expected one or more folders of crops; got none")
        files: list[_File] = []
        names: set[str] = set()
        for number, root in enumerate(roots):
            for name, paths in _by_identity(root).items():
                names.add(name)
                files += [_File(path, _relative(number, root, path), name) for path in paths]
        self._files = sorted(files, key=lambda file: (file.identity, file.relative))
        identities = tuple(sorted(names))
        label = {name: i for i, name in enumerate(identities)}
        labels = np.fromiter((label[file.identity] for file in self._files), np.int64, len(files))
        origin = ", ".join(str(root) for root in roots)
        names_sha256 = sha256_of(file.relative for file in self._files)
        sizes = np.zeros(len(files), np.int64)
        self.listing = Listing(origin, identities, labels, sizes, names_sha256=names_sha256, roots=len(roots))

    def name(self, index: int) -> str:
        """Return the number of the root and the path below it: 0/Name/1.jpg."""
        return self._files[index].relative

    def place(self, index: int) -> str:
        """Return the path of the file."""
        return str(self._files[index].path)

    def part(self, indices: IntArray) -> FolderImages:
        """Return some images alone."""
        part = copy(self)
        part._files = [self._files[index] for index in indices.tolist()]
        part.listing = self.listing.part(indices)
        return part

    def bytes_of(self, index: int) -> bytes:
        """Return what the file holds."""
        return read_file(self._files[index].path)


class IdentityFolders(EncodedCrops):
    """Aligned 112×112 crops under one or several roots; the name of a folder directly below a root is the identity.

    Every file is read, hashed and decoded once when the source is made (on several threads). Files that do not decode
    are left out and named in ``manifest.unreadable``. The fingerprint covers relative path, size and content hash of
    every crop used.

    Args:
        paths: one or more roots.
        exclude: identities and images to leave out, or names of identities; see data.crops.exclusions.
        min_images: identities with fewer readable images are left out and named in ``manifest.too_few``.
        memory_gb: how many GB (1e9 bytes) of decoded crops to keep.
        decoder: what decodes; None takes the fastest here.

    Raises:
        DataError: a root is missing or empty, a readable image is not 112×112, or nothing is left.
    """

    def __init__(
        self,
        paths: Sequence[Path] | Path,
        *,
        exclude: Exclusions | Sequence[str] = (),
        min_images: int = 1,
        memory_gb: float = 4.0,
        decoder: Decoder | None = None,
    ) -> None:
        images = FolderImages([paths] if isinstance(paths, Path) else list(paths))
        super().__init__(images, exclude=exclude, min_images=min_images, memory_gb=memory_gb, decoder=decoder)

    def _fingerprint(self, checked: Checked | None) -> str:
        """Return the sha256 that checkpoints of trainings from folders hold."""
        if checked is None:
            return super()._fingerprint(None)
        return content_fingerprint(
            (self._images.name(index), int(checked.sizes[index]), checked.sha256[index].tobytes().hex())
            for index in self._indices.tolist()
        )


def read_file(path: Path) -> bytes:
    """Return what a file holds; raise UnreadableImage if it is not there."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, ValueError):  # ValueError: a NUL in the path
        raise UnreadableImage(f"{path}: no such file") from None
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:  # the disk or the store fails: that is not the fault of a name
            raise
        raise UnreadableImage(f"{str(path)[:80]}…: no such file: the name is too long") from None


def holds_identity_folders(root: Path) -> bool:
    """Say whether a folder has folders with images directly in one of them."""
    folders = shown_folders(root) if root.is_dir() else []
    return any(list_images(folder) for folder in folders[:100])


def _by_identity(root: Path) -> dict[str, list[Path]]:
    """Return the images of every folder directly below a root, by its name."""
    if not is_remote(root):
        return {folder.name: list_images(folder) for folder in _identity_folders(root)}
    check_finished(root)
    found: dict[str, list[Path]] = {}
    for path in list_images(root):
        first, *rest = path.relative_to(root).parts
        if rest:
            found.setdefault(first, []).append(path)
    if not found:
        raise DataError(f"{root}: expected images at {root}/Name/1.jpg, a folder per identity; got none")
    return found


def _identity_folders(root: Path) -> list[Path]:
    check_finished(root)
    folders = shown_folders(root) if root.is_dir() else []
    if not folders:
        raise DataError(
            f"{root}: expected a folder with one folder per identity (root/Name/1.jpg); got "
            f"{'a folder without folders' if root.is_dir() else 'no folder'}"
        )
    return folders


def _relative(number: int, root: Path, path: Path) -> str:
    return f"{number}/{path.relative_to(root).as_posix()}"
