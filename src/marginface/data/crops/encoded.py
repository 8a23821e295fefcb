"""A crop source of any encoded images: decoded when they are read, as many kept in memory as a budget allows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np

from marginface.data.crops.exclusions import Exclusions, excluded_labels, without_images
from marginface.data.crops.manifest import Manifest
from marginface.data.crops.memory import CropMemory
from marginface.data.images.decoding import Decoder, choose_decoder
from marginface.data.images.encoded import Checked, EncodedImages, Progress, check_images, index_fingerprint
from marginface.data.source import CropSource, Subset, check_indices
from marginface.errors import DataError, ImageError, InputError
from marginface.geometry import CROP_SIZE
from marginface.values import ImageArray, IntArray, frozen

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
        exclude: identities and images to leave out, or names of identities; see data.crops.exclusions.
        min_images: identities with fewer readable images are left out and named in ``manifest.too_few``.
        memory_gb: how many GB (1e9 bytes) of decoded crops to keep.
        check: "images" or "index".
        decoder: what decodes; None takes the fastest here. All give equal pixels; see data.images.decoding.
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
        decoder: Decoder | None = None,
        progress: Progress | None = None,
    ) -> None:
        if min_images < 1:
            raise InputError(f"min_images is ≥ 1; got {min_images}")
        self._images = images
        self._check = check
        self.decoder = choose_decoder() if decoder is None else decoder
        leave_out = exclude if isinstance(exclude, Exclusions) else Exclusions.of_names(exclude)
        out, excluded = excluded_labels(images.listing.identities, leave_out.identities)
        wanted = np.flatnonzero(~out[images.listing.labels])
        wanted, excluded_images = without_images(images, wanted, leave_out.images)
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

    @property
    def starts(self) -> IntArray:
        """Where, among these crops, what is read at once begins; empty where each is read by itself."""
        return np.searchsorted(self._indices, self._images.listing.starts)

    def read(self, indices: IntArray) -> ImageArray:
        """Return the crops at these indices, from memory or decoded by the thread that calls.

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
        for place in missing.tolist():
            index = int(chosen[place])
            out[place] = self._decode(index, self._bytes_of(index))
        return out

    def encoded(self, indices: IntArray) -> list[bytes]:
        """Return the encoded images at these indices, in this order; raises as ``read`` does."""
        return [self._bytes_of(index) for index in self._indices[check_indices(indices, len(self._labels))].tolist()]

    def fingerprint(self) -> str:
        """Return the manifest's sha256."""
        return self.manifest.sha256

    def _checked(self, wanted: IntArray, progress: Progress | None) -> Checked:
        checked = check_images(self._images, wanted, decode=self.decoder, on_image=self._remember, progress=progress)
        wrong = wanted[checked.readable[wanted] & (checked.pixels[wanted] != CROP_SIZE).any(axis=1)]
        if len(wrong):
            width, height = checked.pixels[wrong[0]].tolist()
            raise _no_crop(self._images.place(int(wrong[0])), width, height)
        return checked

    def _remember(self, index: int, image: ImageArray) -> None:
        if image.shape != (CROP_SIZE, CROP_SIZE, 3):
            raise _no_crop(self._images.place(index), image.shape[1], image.shape[0])
        self._memory.put(int(self._slot_of[index]), image)

    def _bytes_of(self, index: int) -> bytes:
        try:
            return self._images.bytes_of(index)
        except (ImageError, OSError) as error:
            raise self._unusable(index, error) from error

    def _decode(self, index: int, content: bytes) -> ImageArray:
        try:
            image = self.decoder(content)
        except ImageError as error:
            raise self._unusable(index, error) from error
        self._remember(index, image)
        return image

    def _unusable(self, index: int, error: Exception) -> DataError:
        told = {
            "images": "it was readable when the data was opened and is not now",
            "index": 'it does not decode; opened with check = "images", the data is used without such images',
        }
        return DataError(f"{self._images.place(index)}: {told[self._check]}: {error}")

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


def read_together(source: CropSource) -> IntArray:
    """Return where, among the crops of a source, what is read at once begins; empty where each is read by itself."""
    if isinstance(source, Subset):
        return np.searchsorted(source.indices, read_together(source.source))
    return source.starts if isinstance(source, EncodedCrops) else np.empty(0, np.int64)


def _no_crop(place: str, width: int, height: int) -> DataError:
    return DataError(
        f"{place}: expected an aligned crop of {CROP_SIZE}×{CROP_SIZE} pixels; got {width}×{height}. Make crops from "
        "photos with `marginface align PHOTOS CROPS`"
    )
