"""What a data set holds, in numbers: for `marginface data inspect`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from marginface.data.images.decoding import choose_decoder
from marginface.data.images.encoded import Checked, EncodedImages, Progress, check_images
from marginface.values import IntArray

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Spread:
    """Smallest, middle and largest of some numbers, and their sum."""

    least: int
    median: float
    most: int
    total: int

    @classmethod
    def of(cls, numbers: IntArray) -> Spread:
        """Return the spread of at least one number."""
        return cls(int(numbers.min()), float(np.median(numbers)), int(numbers.max()), int(numbers.sum()))

    def to_dict(self) -> dict[str, float]:
        """Return plain values for JSON."""
        return {"least": self.least, "median": self.median, "most": self.most, "total": self.total}


@dataclass(frozen=True, slots=True)
class Survey:
    """Counts, sizes and problems; sizes and ``pixels`` are empty where no image was read."""

    format: str
    origin: str
    identities: int
    images: int
    per_identity: Spread
    singles: int
    encoded_bytes: Spread | None
    pixels: tuple[tuple[str, int], ...]
    unreadable: tuple[str, ...]
    problems: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "format": self.format,
            "origin": self.origin,
            "identities": self.identities,
            "images": self.images,
            "images_per_identity": self.per_identity.to_dict(),
            "identities_of_one_image": self.singles,
            "encoded_bytes": None if self.encoded_bytes is None else self.encoded_bytes.to_dict(),
            "pixels": dict(self.pixels),
            "unreadable": list(self.unreadable),
            "problems": list(self.problems),
        }

    def lines(self) -> list[str]:
        """Say the numbers in words, a line each."""
        each = self.per_identity
        lines = [
            f"{self.format}: {self.origin}",
            f"{self.images:,} images of {self.identities:,} identities: {each.least:,} to {each.most:,} each, median "
            f"{each.median:,.0f}; {self.singles:,} have one image",
        ]
        if self.encoded_bytes is not None:
            size = self.encoded_bytes
            lines.append(
                f"encoded: {size.total / 1e6:,.1f} MB, {size.least:,} to {size.most:,} bytes each, median "
                f"{size.median:,.0f}"
            )
        if self.pixels:
            lines.append("pixels: " + ", ".join(f"{size} ({count:,})" for size, count in self.pixels))
        lines += _first("unreadable", self.unreadable) + _first("to note", self.problems)
        return lines


def survey(images: EncodedImages, name: str, *, read: bool = True, progress: Progress | None = None) -> Survey:
    """Count what the images hold; ``read`` decodes every one, otherwise only the index is looked at.

    Args:
        images: what to look at.
        name: the name of its format.
        read: whether images are read.
        progress: called with (done, total) while they are.
    """
    listing = images.listing
    everything = np.arange(len(listing.labels))
    checked = check_images(images, everything, decode=choose_decoder(), progress=progress) if read else None
    good = everything if checked is None else everything[checked.readable]
    counts = np.bincount(listing.labels[good], minlength=1)
    counts = counts[counts > 0]
    sizes = listing.sizes if checked is None else checked.sizes[good]
    bad = [] if checked is None else [images.place(i) for i in everything[~checked.readable].tolist()]
    return Survey(
        format=name,
        origin=listing.origin,
        identities=len(counts),
        images=len(good),
        per_identity=Spread.of(counts if len(counts) else np.zeros(1, np.int64)),
        singles=int((counts == 1).sum()),
        encoded_bytes=Spread.of(sizes) if len(sizes) and sizes.any() else None,
        pixels=() if checked is None else _pixels(checked, good),
        unreadable=(*bad, *listing.left_out),
        problems=listing.problems,
    )


def _pixels(checked: Checked, good: IntArray) -> tuple[tuple[str, int], ...]:
    """Return the sizes of images, the most frequent first."""
    packed = checked.pixels[good, 0] << 32 | checked.pixels[good, 1]
    counts = Counter(dict(zip(*(part.tolist() for part in np.unique(packed, return_counts=True)), strict=True)))
    return tuple((f"{size >> 32}×{size & 0xFFFFFFFF}", count) for size, count in counts.most_common(_SHOWN))


def _first(what: str, texts: tuple[str, ...]) -> list[str]:
    if not texts:
        return []
    more = [f"    … {len(texts) - _SHOWN:,} more"] if len(texts) > _SHOWN else []
    return [f"{what}: {len(texts):,}", *(f"    {text}" for text in texts[:_SHOWN]), *more]
