"""What can be audited, and what it can be compared with: training data, evaluation packs, pair lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from marginface.data.crops.folder import FolderImages, read_file
from marginface.data.crops.names import read_names
from marginface.data.images.encoded import DivisibleImages, EncodedImages, Listing, number_identities, sha256_of
from marginface.data.packs import open_images
from marginface.data.pairs.binpack import BinPack, open_pack
from marginface.data.pairs.lfw import lfw_pairs
from marginface.errors import DataError


class PackImages:
    """The images of an evaluation pack (lfw.bin); who they show is not in it: each is an identity of its own."""

    def __init__(self, path: Path) -> None:
        self._pack: BinPack = open_pack(path)
        self._names = self._pack.pairs.images
        count = len(self._names)
        numbers = tuple(str(name).rpartition("#")[2] for name in self._names)
        spans = [self._pack.spans[name] for name in self._names]
        sizes = np.array([span.stop - span.start for span in spans], np.int64)
        self.listing = Listing(str(path), numbers, np.arange(count), sizes, (path,), sha256_of(numbers))

    def name(self, index: int) -> str:
        """Return the place in the pack: 17."""
        return self.listing.identities[index]

    def place(self, index: int) -> str:
        """Return the pack and the place in it: lfw.bin#17."""
        return str(self._names[index])

    def bytes_of(self, index: int) -> bytes:
        """Return the encoded image."""
        return self._pack.spans[self._names[index]].read(self._pack.content)


class PairImages:
    """The images that an LFW pair list names; the folder of an image is its identity."""

    def __init__(self, root: Path, pairs_file: Path) -> None:
        self._root = root
        self._paths = sorted(lfw_pairs(root, pairs_file).images)
        identities, labels = number_identities([path.parent.name for path in self._paths])
        names = sha256_of(self.name(index) for index in range(len(self._paths)))
        self.listing = Listing(f"{root}, {pairs_file}", identities, labels, np.zeros(len(labels), np.int64), (), names)

    def name(self, index: int) -> str:
        """Return the path below the root."""
        return self._paths[index].relative_to(self._root).as_posix()

    def place(self, index: int) -> str:
        """Return the path of the file."""
        return str(self._paths[index])

    def bytes_of(self, index: int) -> bytes:
        """Return what the file holds."""
        return read_file(self._paths[index])


class NamedImages:
    """Images whose identities get other names: those of a list, in the order of the identities."""

    def __init__(self, images: EncodedImages, names: Sequence[str], origin: str) -> None:
        known = images.listing.identities
        if len(names) != len(known):
            raise DataError(
                f"{origin}: expected a name for each of the {len(known):,} identities of {images.listing.origin}, a "
                f"line each, in their order ({known[0]}, …, {known[-1]}); got {len(names):,} names"
            )
        self._images = images
        self.listing = replace(images.listing, identities=tuple(names))

    def name(self, index: int) -> str:
        """Return what the image is called where it comes from."""
        return self._images.name(index)

    def place(self, index: int) -> str:
        """Return where the image is."""
        return self._images.place(index)

    def bytes_of(self, index: int) -> bytes:
        """Return the encoded image."""
        return self._images.bytes_of(index)


def open_training(paths: Sequence[Path], label: str = "") -> DivisibleImages:
    """Open what a recipe trains on: one path of any format, or several folders of identities, as [data] folders has it.

    Raises:
        DataError: it is not there, or in no known format.
    """
    return open_images(paths[0], label=label) if len(paths) == 1 else FolderImages(paths)


def open_evaluation(path: Path, *, pairs: Path | None = None, label: str = "") -> EncodedImages:
    """Open what a training is evaluated on: an LFW pair list in its folder, a .bin pack, or any training format.

    Raises:
        DataError: it is not there, or in no known format.
    """
    if pairs is not None:
        return PairImages(path, pairs)
    if path.suffix == ".bin" and not path.is_dir():
        return PackImages(path)
    return open_images(path, label=label)


def with_names(images: EncodedImages, names: Path | None) -> EncodedImages:
    """Give the identities the names of a list (line i names identity i); without a list return the images as they are.

    Raises:
        DataError: the list has another number of names.
    """
    return images if names is None else NamedImages(images, read_names(names), str(names))
