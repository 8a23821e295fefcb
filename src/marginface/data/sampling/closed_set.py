"""Closed set beside open set: one photo of some identities is kept out, to be searched among their other photos.

Identities of the training are a *closed set*: the network has learned to tell these very people apart. A figure on them
says little about strangers (Liu et al., "SphereFace", CVPR 2017, section 1), so it is measured beside the same search
among identities that were never trained on, with as many entries and as many photos in each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginface.data.sampling.sampler import generator
from marginface.data.source import CropSource, Subset
from marginface.errors import DataError
from marginface.values import BoolArray, IntArray, frozen

GALLERY_IMAGES = 5  # of an identity, at most
_STREAM = 2  # of generator: 0 splits identities, 1 draws pairs
_FEWEST = 3  # images of an identity that lends one: two stay


@dataclass(frozen=True, slots=True, eq=False)
class SearchedCrops:
    """Crops of K identities: one of each is searched (``is_probe`` (n,) bool), the others are the gallery."""

    source: Subset
    is_probe: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class ClosedAndOpen:
    """The same search twice: among K identities of the training, and among K that were held out."""

    closed: SearchedCrops
    open: SearchedCrops


def keep_out_probes(train: Subset, held_out: Subset, most: int, seed: int) -> tuple[Subset, ClosedAndOpen]:
    """Take one photo each of up to ``most`` identities out of the training crops; return these and both searches.

    Both searches have K identities: as many as are asked for and as both sides can give.

    Args:
        train: crops to train on; its labels stay as they are.
        held_out: crops of other identities.
        most: identities asked for, 1 or more.
        seed: decides which identities and which photo.

    Raises:
        DataError: no identity on one of the sides has three images.
    """
    able = [_able(side) for side in (train, held_out)]
    count = min(most, *(len(labels) for labels in able))
    if count < 1:
        raise DataError(
            f"the closed set takes one image of identities with {_FEWEST} or more; {len(able[0]):,} of training and "
            f"{len(able[1]):,} of held-out identities have so many. Set evaluation.closed_set to 0, or give more"
        )
    random = generator(seed, _STREAM)
    closed, opened = (
        _searched(side, np.sort(random.choice(labels, size=count, replace=False)), random)
        for side, labels in zip((train, held_out), able, strict=True)
    )
    taken = np.isin(train.indices, closed.source.indices[closed.is_probe])
    kept = Subset(train.source, frozen(train.indices[~taken]), frozen(train.labels[~taken]), train.identities)
    return kept, ClosedAndOpen(closed, opened)


def _able(source: CropSource) -> IntArray:
    """Return the labels of identities that can lend an image."""
    return np.flatnonzero(np.bincount(source.labels, minlength=len(source.identities)) >= _FEWEST)


def _searched(side: Subset, labels: IntArray, random: np.random.Generator) -> SearchedCrops:
    """Draw a probe and up to GALLERY_IMAGES others of each of these identities."""
    order = np.argsort(side.labels, kind="stable")
    starts = np.searchsorted(side.labels[order], labels)
    ends = np.searchsorted(side.labels[order], labels, side="right")
    drawn = [
        random.permutation(order[start:end])[: GALLERY_IMAGES + 1] for start, end in zip(starts, ends, strict=True)
    ]
    sizes = np.asarray([len(images) for images in drawn])
    places = np.concatenate(drawn)
    is_probe = np.zeros(len(places), dtype=bool)
    is_probe[np.cumsum(sizes) - sizes] = True
    names = tuple(side.identities[label] for label in labels)
    source = Subset(side.source, frozen(side.indices[places]), frozen(np.repeat(np.arange(len(labels)), sizes)), names)
    return SearchedCrops(source, frozen(is_probe))
