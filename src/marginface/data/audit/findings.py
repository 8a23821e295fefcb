"""What an audit finds: plain values over the numbers of images and identities. ``report`` gives them names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginface.data.audit.duplicates import Copies
from marginface.data.audit.labels import Tail
from marginface.data.audit.likeness import Embeddings
from marginface.data.audit.rows import Rows
from marginface.data.images.encoded import Listing
from marginface.errors import InputError
from marginface.values import Threshold

IdentityPair = tuple[int, int, float]  # two identities and their similarity
ImagePair = tuple[int, int, float]  # two images and their similarity


@dataclass(frozen=True, slots=True, eq=False)
class AuditedSet:
    """A data set that was read: what its index says, a row an image, and embeddings (N, D) or None.

    A row of zeros in ``embeddings`` is an image without one: unreadable, or no aligned crop.
    """

    listing: Listing
    rows: Rows
    embeddings: Embeddings | None = None

    def __post_init__(self) -> None:
        counts = {len(self.listing.labels), len(self.rows)}
        counts |= set() if self.embeddings is None else {len(self.embeddings)}
        if len(counts) != 1:
            raise InputError(f"labels, rows and embeddings are one an image; got {sorted(counts)}")

    @property
    def count(self) -> int:
        """Return how many images there are."""
        return len(self.rows)

    @property
    def counts(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Return the readable images of each identity, (C,)."""
        labels = self.listing.labels[self.rows["readable"]]
        return np.bincount(labels, minlength=len(self.listing.identities)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Suspect:
    """An image whose label may be wrong: similarities with its own identity's other images and with another."""

    image: int
    own: float
    other_label: int
    other: float


@dataclass(frozen=True, slots=True)
class Sizes:
    """Quantiles (labels.QUANTILES) over the readable images."""

    width: tuple[float, ...]
    height: tuple[float, ...]
    encoded_bytes: tuple[float, ...]
    frequent: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class LabelDoubts:
    """What embeddings say about labels, the thresholds it was found with, and how many comparisons these met.

    ``suspects`` are images near another identity and far from their own; ``outliers`` (image, similarity) are far
    from their own and near none; ``merges`` are identities that look like one person; ``alike`` are images of two
    identities that look like one photo, from the similarity ``copy`` on.
    """

    match: Threshold
    unlike: Threshold
    copy: float
    embedded: int
    comparisons: tuple[int, int]
    suspects: tuple[Suspect, ...]
    outliers: tuple[tuple[int, float], ...]
    merges: tuple[IdentityPair, ...]
    alike: tuple[ImagePair, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Who and what is in another set too: pairs (here, there).

    ``by_name`` is None where one of the sets has no names, ``by_likeness`` where there are no embeddings;
    ``comparisons`` are the pairs of identities with embeddings.
    """

    origin: str
    identities: int
    images: int
    by_name: tuple[tuple[int, int], ...] | None
    by_likeness: tuple[IdentityPair, ...] | None
    match: Threshold | None
    comparisons: int
    photos: tuple[tuple[int, int], ...]

    @property
    def agreement(self) -> tuple[int, int, int] | None:
        """Return how many pairs are found both ways, by name only, by likeness only; None without both."""
        if self.by_name is None or self.by_likeness is None:
            return None
        named, alike = set(self.by_name), {(here, there) for here, there, _ in self.by_likeness}
        return len(named & alike), len(named - alike), len(alike - named)


@dataclass(frozen=True, slots=True)
class Audit:
    """All findings about one data set."""

    origin: str
    images: int
    identities: int
    min_images: int
    unreadable: tuple[int, ...]
    left_out: tuple[str, ...]
    problems: tuple[str, ...]
    copies: tuple[Copies, ...]
    crossed: tuple[Copies, ...]
    too_few: tuple[int, ...]
    singles: int
    gaps: tuple[tuple[int, int], ...]
    tail: Tail
    sizes: Sizes
    doubts: LabelDoubts | None
    overlap: Overlap | None
