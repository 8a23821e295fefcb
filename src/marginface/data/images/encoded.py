"""N encoded images with labels, whatever holds them: one protocol, and the check that reads every image once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marginface.data.images.kept import keep_arrays, kept_arrays, kept_place
from marginface.documents import whole_number
from marginface.errors import ImageError
from marginface.images import read_image
from marginface.values import BoolArray, ImageArray, IntArray, frozen

THREADS = 4
_BLOCK = 4096  # images that are under way at once: millions of waiting jobs would fill the memory
_CHECK = "check 1"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """What an index says before any image is read.

    ``origin`` names the whole for a person; ``labels`` (N,) are in [0, C), label i is ``identities[i]``; ``sizes`` (N,)
    are encoded bytes, 0 where the index does not hold them; ``files`` are what holds all images (empty where each
    image is a file of its own); ``names_sha256`` covers what names the images in the index; ``left_out`` are entries
    that are no image, each with its reason; ``problems`` are claims about the data that the data does not bear out;
    ``roots`` is how many folders hold the images, where their names begin with the number of one ("0/Ann/1.jpg");
    ``starts`` is where what is read at once begins (a row group), empty where each image is read by itself.
    """

    origin: str
    identities: tuple[str, ...]
    labels: IntArray
    sizes: IntArray
    files: tuple[Path, ...] = ()
    names_sha256: str = ""
    left_out: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    roots: int = 0
    starts: IntArray = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", frozen(self.labels))
        object.__setattr__(self, "sizes", frozen(self.sizes))
        object.__setattr__(self, "starts", frozen(self.starts))

    def part(self, indices: IntArray) -> Listing:
        """Return what is said of some images alone; the identities are those that occur among them."""
        present, labels = np.unique(self.labels[indices], return_inverse=True)
        identities = tuple(self.identities[label] for label in present.tolist())
        return Listing(self.origin, identities, labels.astype(np.int64), self.sizes[indices])


class EncodedImages(Protocol):
    """N encoded images of C identities, in the order in which they lie on the disk."""

    @property
    def listing(self) -> Listing:
        """What the index says."""
        ...

    def name(self, index: int) -> str:
        """Return what the image is called: its identity is part of it, the place of the data is not."""
        ...

    def place(self, index: int) -> str:
        """Return where the image is, for a person."""
        ...

    def bytes_of(self, index: int) -> bytes:
        """Return the encoded image; may be called from several threads.

        Raises:
            UnreadableImage: there is no such image (any more).
            OSError: the disk fails.
        """
        ...


class DivisibleImages(EncodedImages, Protocol):
    """Encoded images of which a few can be sent to another process."""

    def part(self, indices: IntArray) -> EncodedImages:
        """Return these images alone, under the same names; what it holds grows with their number."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """What reading every image found: encoded bytes (N,), sha256 (N, 32), width and height (N, 2), state (N,).

    The state is UNSEEN, READABLE or UNREADABLE; width and height are 0 where the image does not decode.
    """

    UNSEEN, READABLE, UNREADABLE = 0, 1, 2

    sizes: IntArray
    sha256: ImageArray
    pixels: IntArray
    state: ImageArray

    @classmethod
    def nothing(cls, count: int) -> Checked:
        """Return a check that has not begun."""
        return cls(
            np.zeros(count, np.int64), np.zeros((count, 32), np.uint8), np.zeros((count, 2), np.int64),
            np.zeros(count, np.uint8),
        )  # fmt: skip

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the fields by name."""
        return {"sizes": self.sizes, "sha256": self.sha256, "pixels": self.pixels, "state": self.state}

    @property
    def readable(self) -> BoolArray:
        """Which images decode."""
        found: BoolArray = self.state == self.READABLE
        return found


def short_name(images: EncodedImages, index: int) -> str:
    """Return what an image is called, without the number of its folder where there is one folder only: Ann/1.jpg."""
    name = images.name(index)
    return name.partition("/")[2] if images.listing.roots == 1 else name


def number_identities(names: Sequence[str]) -> tuple[tuple[str, ...], IntArray]:
    """Return the distinct names, sorted, and the label of each name; names that are all whole numbers sort as such.

    >>> identities, labels = number_identities(["10", "9", "10"])
    >>> identities, labels.tolist()
    (('9', '10'), [1, 0, 1])
    """
    distinct = set(names)
    numbers = {name: number for name in distinct if (number := whole_number(name)) is not None and str(number) == name}
    identities = sorted(distinct, key=numbers.__getitem__) if len(numbers) == len(distinct) else sorted(distinct)
    label = {name: i for i, name in enumerate(identities)}
    return tuple(identities), np.fromiter((label[name] for name in names), np.int64, len(names))


def index_fingerprint(listing: Listing) -> str:
    """Return the sha256 over everything that an index says: identities, labels, order, sizes, what names the images.

    The content is not read: an image that was replaced by another of the same size goes unseen, and
    in a folder of images, whose sizes are not asked for, one of any size.
    """
    digest = hashlib.sha256("\0".join((*listing.identities, listing.names_sha256)).encode("utf-8", "surrogateescape"))
    digest.update(np.ascontiguousarray(listing.labels).tobytes())
    digest.update(np.ascontiguousarray(listing.sizes).tobytes())
    digest.update(np.asarray([path.stat().st_size for path in listing.files], np.int64).tobytes())
    return digest.hexdigest()


def sha256_of(names: Iterable[str]) -> str:
    """Return the sha256 over names, in this order."""
    return hashlib.sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()


def check_images(
    images: EncodedImages,
    chosen: IntArray,
    *,
    decode: Callable[[bytes], ImageArray] = read_image,
    on_image: Callable[[int, ImageArray], None] | None = None,
    progress: Progress | None = None,
) -> Checked:
    """Read, hash and decode the chosen images, on several threads.

    What an earlier check of the same files found is not read again; what this one finds is kept for the next. Data
    without ``listing.files`` (one file per image) is read each time.

    Args:
        images: what to check.
        chosen: which of them.
        decode: what makes an image of the bytes.
        on_image: called with the index and the decoded image, from several threads; not for what was kept.
        progress: called with (done, total) now and then.
    """
    files = images.listing.files
    place = kept_place(f"{_CHECK} {index_fingerprint(images.listing)}", files) if files else None
    checked = _kept_check(place, len(images.listing.labels))
    todo = chosen[checked.state[chosen] == Checked.UNSEEN]

    def look(index: int) -> None:
        image = _look(images, index, checked, decode)
        if image is not None and on_image is not None:
            on_image(index, image)

    done = len(chosen) - len(todo)
    try:
        for ended in in_blocks(look, todo):
            done += ended
            if progress is not None:
                progress(done, len(chosen))
    finally:  # what was found before an interruption is kept too
        if len(todo) and place is not None:
            keep_arrays(place, checked.arrays())
    return checked


def in_blocks(work: Callable[[int], object], indices: IntArray) -> Iterator[int]:
    """Do the work for every index on threads; yield how many of a block have ended. The first error passes through."""
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(indices), _BLOCK):
            block = indices[start : start + _BLOCK].tolist()
            _exhaust(pool.map(work, block))
            yield len(block)


def _exhaust(results: Iterable[object]) -> None:
    for _ in results:
        pass


def _look(
    images: EncodedImages, index: int, checked: Checked, decode: Callable[[bytes], ImageArray]
) -> ImageArray | None:
    """Read one image and note what it is; None if it is unreadable."""
    try:
        content = images.bytes_of(index)
    except ImageError:
        checked.state[index] = Checked.UNREADABLE
        return None
    checked.sizes[index] = len(content)
    checked.sha256[index] = np.frombuffer(hashlib.sha256(content).digest(), np.uint8)
    try:
        image = decode(content)
    except ImageError:
        checked.state[index] = Checked.UNREADABLE
        return None
    checked.pixels[index] = image.shape[1], image.shape[0]
    checked.state[index] = Checked.READABLE
    return image


def _kept_check(place: Path | None, count: int) -> Checked:
    arrays = None if place is None else kept_arrays(place)
    if arrays is None or len(arrays["state"]) != count:
        return Checked.nothing(count)
    return Checked(arrays["sizes"], arrays["sha256"], arrays["pixels"], arrays["state"])
