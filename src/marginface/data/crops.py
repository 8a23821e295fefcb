"""A crop source of any encoded images: decoded on threads, as many kept in memory as a budget allows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np

from marginface.data.encoded import (
    THREADS,
    Checked,
    EncodedImages,
    Progress,
    check_images,
    index_fingerprint,
)
from marginface.data.exclusions import Exclusions
from marginface.data.manifest import Manifest
from marginface.data.memory import CropMemory
from marginface.data.names import identity_key
from marginface.data.source import check_indices
from marginface.errors import DataError, ImageError, InputError
from marginface.geometry import CROP_SIZE
from marginface.images import read_image
from marginface.values import BoolArray, ImageArray, IntArray, frozen

Check = Literal["images", "index"]


class EncodedCrops:
    """Aligned 112×112 crops out of encoded images, those of too small or excluded identities left out.

    With ``check="images"`` every image is read, hashed and decoded once when the source is made (``encoded.
    check_images``: of packs, what was found is kept for the next time). Images that do not decode are left out and
    named in ``manifest.unreadable``, and the fingerprint covers identities, labels, order and the content of every
    crop, whatever the format. With ``check="index"`` no image is read: opening takes seconds, an image that does not
    decode stops the training that draws it, and the fingerprint covers what the index says (identities, labels, order,
    sizes, names), not the content.

    Args:
        images: what holds the crops.
        exclude: identities and images to leave out, or names of identities; see data.exclusions.
        min_images: identities with fewer readable images are left out and named in ``manifest.too_few``.
        memory_gb: how many GB (1e9 bytes) of decoded crops to keep.
        check: "images" or "index".
        progress: called with (done, total) while images are checked.

    Raises:
        DataError: a readable image is not 112×112, or nothing is left.
    """

    def __init__(
        self,
        images: EncodedImages,
        *,
        exclude: Exclusions | Sequence[str] = (),
        min_images: int = 1,
        memory_gb: float = 4.0,
        check: Check = "images",
        progress: Progress | None = None,
    ) -> None:
        if min_images < 1:
            raise InputError(f"min_images is ≥ 1; got {min_images}")
        self._images = images
        self._check = check
        leave_out = exclude if isinstance(exclude, Exclusions) else Exclusions.of_names(exclude)
        out, excluded = _excluded(images.listing.identities, leave_out.identities)
        wanted = np.flatnonzero(~out[images.listing.labels])
        wanted, excluded_images = _without_images(images, wanted, leave_out.images)
        self._unmet = len(leave_out.images) - len(excluded_images)
        self._slot_of = np.zeros(len(images.listing.labels), np.int64)
        self._slot_of[wanted] = np.arange(len(wanted))
        self._memory = CropMemory(len(wanted), memory_gb)
        checked = self._checked(wanted, progress) if check == "images" else None
        good = np.ones(len(wanted), bool) if checked is None else checked.readable[wanted]
        readable = wanted[good]
        self._keep_populous(readable, wanted, min_images, len(excluded))
        self.manifest = Manifest(
            identities=len(self._identities),
            images=len(self._indices),
            sha256=self._fingerprint(checked),
            min_images=min_images,
            unreadable=(*self._places(wanted[~good]), *images.listing.left_out),
            excluded=excluded,
            too_few=self._too_few,
            excluded_images=excluded_images,
        )

    @property
    def identities(self) -> tuple[str, ...]:
        """The names of the identities, in the order of their labels."""
        return self._identities

    @property
    def labels(self) -> IntArray:
        """The label of every crop, (N,) int64."""
        return self._labels

    @property
    def problems(self) -> tuple[str, ...]:
        """Claims beside the data that it does not bear out, and exclusions that meet nothing."""
        unmet = (
            f"names in the list of exclusions that are no image here, or of an identity left out: {self._unmet:,}",
        )
        return (*self._images.listing.problems, *(unmet if self._unmet else ()))

    def read(self, indices: IntArray) -> ImageArray:
        """Return the crops at these indices, from memory or decoded on several threads.

        Raises:
            DataError: an image does not decode (any more), or is not 112×112.
        """
        chosen = self._indices[check_indices(indices, len(self._labels))]
        slots = self._slot_of[chosen]
        out = np.empty((len(chosen), CROP_SIZE, CROP_SIZE, 3), dtype=np.uint8)
        held = self._memory.holds(slots)
        out[held] = self._memory.get(slots[held])
        missing = np.flatnonzero(~held)
        missing = missing[np.argsort(chosen[missing], kind="stable")]  # as they lie on the disk
        if len(missing):
            with ThreadPoolExecutor(THREADS) as pool:
                for place, crop in zip(missing, pool.map(self._decode, chosen[missing].tolist()), strict=True):
                    out[place] = crop
        return out

    def fingerprint(self) -> str:
        """Return the manifest's sha256."""
        return self.manifest.sha256

    def _checked(self, wanted: IntArray, progress: Progress | None) -> Checked:
        checked = check_images(self._images, wanted, on_image=self._remember, progress=progress)
        wrong = wanted[checked.readable[wanted] & (checked.pixels[wanted] != CROP_SIZE).any(axis=1)]
        if len(wrong):
            width, height = checked.pixels[wrong[0]].tolist()
            raise _no_crop(self._images.place(int(wrong[0])), width, height)
        return checked

    def _remember(self, index: int, image: ImageArray) -> None:
        if image.shape != (CROP_SIZE, CROP_SIZE, 3):
            raise _no_crop(self._images.place(index), image.shape[1], image.shape[0])
        self._memory.put(int(self._slot_of[index]), image)

    def _decode(self, index: int) -> ImageArray:
        place = self._images.place(index)
        try:
            image = read_image(self._images.bytes_of(index))
        except (ImageError, OSError) as error:
            told = {
                "images": "it was readable when the data was opened and is not now",
                "index": 'it does not decode; opened with check = "images", the data is used without such images',
            }
            raise DataError(f"{place}: {told[self._check]}: {error}") from error
        self._remember(index, image)
        return image

    def _keep_populous(self, readable: IntArray, wanted: IntArray, min_images: int, excluded: int) -> None:
        """Decide which images and identities stay."""
        listing = self._images.listing
        counts = np.bincount(listing.labels[readable], minlength=len(listing.identities))
        stays = counts >= min_images
        met = np.bincount(listing.labels[wanted], minlength=len(listing.identities)) > 0
        self._too_few = tuple(sorted(listing.identities[label] for label in np.flatnonzero(met & ~stays)))
        if not stays.any():
            lost = np.flatnonzero(~np.isin(wanted, readable))
            such = f", such as {self._images.place(int(wanted[lost[0]]))}" if len(lost) else ""
            raise DataError(
                f"{listing.origin}: no identity is left: {excluded} are excluded, {len(self._too_few)} have fewer than "
                f"{min_images} readable images, {len(lost) + len(listing.left_out)} files do not decode{such}"
            )
        self._indices = readable[stays[listing.labels[readable]]]
        self._identities = tuple(listing.identities[label] for label in np.flatnonzero(stays))
        self._labels: IntArray = frozen((np.cumsum(stays) - 1)[listing.labels[self._indices]].astype(np.int64))

    def _fingerprint(self, checked: Checked | None) -> str:
        """Return the sha256 over identities, labels and the content of every crop, or, unread, what the index says."""
        digest = hashlib.sha256("\0".join(self._identities).encode("utf-8", "surrogateescape"))
        digest.update(np.ascontiguousarray(self._labels).tobytes())
        if checked is None:
            digest.update(index_fingerprint(self._images.listing).encode())
            digest.update(np.ascontiguousarray(self._indices).tobytes())
        else:
            digest.update(np.ascontiguousarray(checked.sha256[self._indices]).tobytes())
        return digest.hexdigest()

    def _places(self, indices: IntArray) -> list[str]:
        return [self._images.place(index) for index in indices.tolist()]


def _excluded(identities: Sequence[str], exclude: Mapping[str, str]) -> tuple[BoolArray, tuple[str, ...]]:
    """Return which labels are left out, and the names of these with the reasons."""
    reasons = {identity_key(name): reason for name, reason in exclude.items()}
    met = [identity_key(name) if reasons else "" for name in identities]
    out = np.fromiter((key in reasons for key in met), bool, len(met))
    return out, tuple(sorted(_with_reason(identities[i], reasons[met[i]]) for i in np.flatnonzero(out).tolist()))


def _without_images(
    images: EncodedImages, wanted: IntArray, exclude: Mapping[str, str]
) -> tuple[IntArray, tuple[str, ...]]:
    """Return the wanted images without the excluded ones, and the names of these with the reasons.

    Where a name begins with the number of a folder, it also goes by the rest, unless that names two images.

    Raises:
        DataError: a name without number means images of several folders.
    """
    if not exclude:
        return wanted, ()
    left_out: dict[str, int] = {}
    for index in wanted.tolist():
        name = images.name(index)
        rest = name.partition("/")[2] if images.listing.roots else name
        said = name if name in exclude else rest
        if said in exclude and left_out.setdefault(said, index) != index:
            raise DataError(
                f"{said}: this name in the list of exclusions means {images.name(left_out[said])} and {name}. Write it "
                "with the number in front that is meant"
            )
    kept = np.setdiff1d(wanted, np.fromiter(left_out.values(), np.int64, len(left_out)))
    return kept, tuple(sorted(_with_reason(name, exclude[name]) for name in left_out))


def _with_reason(name: str, reason: str) -> str:
    return f"{name}: {reason}" if reason else name


def _no_crop(place: str, width: int, height: int) -> DataError:
    return DataError(
        f"{place}: expected an aligned crop of {CROP_SIZE}×{CROP_SIZE} pixels; got {width}×{height}. Make crops from "
        "photos with `marginface align PHOTOS CROPS`"
    )
