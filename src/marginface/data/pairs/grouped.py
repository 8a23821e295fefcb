"""Verification pairs of which each belongs to a group: RFW (rfw.py) and BFW (bfw.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marginface.errors import DataError
from marginface.values import IntArray, Pairs, frozen


@dataclass(frozen=True, slots=True, eq=False)
class GroupedPairs:
    """Pairs, the group of each (P,), whose the images are (N,) in numbers, and the folder that the images are below."""

    pairs: Pairs
    groups: tuple[str, ...]
    people: IntArray
    root: Path

    def __post_init__(self) -> None:
        if len(self.groups) != len(self.pairs) or len(self.people) != len(self.pairs.images):
            raise DataError(
                f"{self.pairs.protocol}: a group for each pair and a person for each image are needed; got "
                f"{len(self.groups):,} for {len(self.pairs):,} and {len(self.people):,} for {len(self.pairs.images):,}"
            )
        object.__setattr__(self, "people", frozen(self.people))


def numbered(names: Sequence[str]) -> IntArray:
    """Return names (N,) as numbers from 0."""
    return np.unique(np.asarray(names), return_inverse=True)[1].astype(np.int64)


def folders(images: Sequence[str]) -> IntArray:
    """Return the folders of images (N,), with those above them, as numbers: of most sets, whose they are."""
    return numbered([image.replace("\\", "/").rpartition("/")[0] for image in images])
