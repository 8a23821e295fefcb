"""Held-out identities: split a source by identity, and draw verification pairs from what was held out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from marginface.data.sampling.sampler import generator
from marginface.data.source import CropSource, Subset, subset
from marginface.errors import DataError, InputError
from marginface.values import BoolArray, IntArray, frozen


@dataclass(frozen=True, slots=True, eq=False)
class PairIndex:
    """P pairs of crops of one source: ``first``, ``second`` index its crops; ``genuine`` bool; ``fold`` from 0."""

    first: IntArray
    second: IntArray
    genuine: BoolArray
    fold: IntArray

    def __post_init__(self) -> None:
        if len({len(self.first), len(self.second), len(self.genuine), len(self.fold)}) != 1:
            raise InputError("first, second, genuine and fold have one length")
        for name in ("first", "second", "genuine", "fold"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.first)


def split(source: CropSource, held_out: float | int, seed: int) -> tuple[Subset, Subset]:
    """Split by identity into (train, held out): no identity is in both.

    Only identities with two or more images are held out, for the others make no genuine pair.

    Args:
        source: what to split.
        held_out: a number of identities (int), or a fraction of all identities (float below 1).
        seed: decides which.

    Raises:
        DataError: there are too few identities with two images, or none would be left to train on.
    """
    total = len(source.identities)
    count = held_out if isinstance(held_out, int) else round(held_out * total)
    images = np.bincount(source.labels, minlength=total)
    able = np.flatnonzero(images >= 2)
    if not 1 <= count <= len(able) or count > total - 2:
        raise DataError(
            f"holding out {held_out} of {total} identities means {count}; {len(able)} have two or more images and two "
            f"identities must stay to train on. Hold out 1 to {max(min(len(able), total - 2), 0)}"
        )
    chosen = np.sort(generator(seed, 0).choice(able, size=count, replace=False))
    kept = np.setdiff1d(np.arange(total), chosen)
    return subset(source, kept.tolist()), subset(source, chosen.tolist())


def verification_pairs(source: CropSource, pairs: int, folds: int = 10, seed: int = 0) -> PairIndex:
    """Draw as many genuine as impostor pairs, no pair twice; the folds share no identity.

    Genuine pairs are spread over the identities as evenly as their images allow, so that no well-photographed person
    decides the number.

    Args:
        source: held-out crops.
        pairs: how many in all: a multiple of 2 × folds.
        folds: how many folds; each gets its own identities.
        seed: decides which.

    Raises:
        InputError: pairs is no multiple of 2 × folds.
        DataError: the source has too few identities or images for so many pairs.
    """
    if folds < 1 or pairs < 2 * folds or pairs % (2 * folds):
        raise InputError(
            f"pairs is a multiple of 2 × folds (half genuine, half impostor); got {pairs} for {folds} folds"
        )
    random = generator(seed, 1)
    each = pairs // (2 * folds)
    parts = []
    for fold, members in enumerate(_deal_identities(source, folds, random)):
        genuine = _genuine_pairs(members, each, random)
        impostor = _impostor_pairs(members, each, random)
        if min(len(genuine), len(impostor)) < each:
            raise DataError(
                f"fold {fold} of {folds} needs {each} genuine and {each} impostor pairs; its {len(members)} identities "
                f"give {len(genuine)} and {len(impostor)}. Ask for fewer pairs or folds, or hold out more identities"
            )
        parts.append(np.concatenate([genuine, impostor]))
    both = np.concatenate(parts)
    genuine_mark = np.tile(np.repeat([True, False], each), folds)
    return PairIndex(both[:, 0].copy(), both[:, 1].copy(), genuine_mark, np.repeat(np.arange(folds), 2 * each))


def _deal_identities(source: CropSource, folds: int, random: np.random.Generator) -> list[list[IntArray]]:
    """Deal the identities with two or more images to the folds; an identity is the array of its image indices."""
    order = np.argsort(source.labels, kind="stable")
    ends = np.cumsum(np.bincount(source.labels, minlength=len(source.identities)))[:-1]
    members = [images.astype(np.int64) for images in np.split(order, ends) if len(images) >= 2]
    if len(members) < 2 * folds:
        raise DataError(
            f"{folds} folds that share no identity need {2 * folds} identities with two or more images; got "
            f"{len(members)}. Use fewer folds or hold out more identities"
        )
    shuffled = [members[i] for i in random.permutation(len(members))]
    return [shuffled[fold::folds] for fold in range(folds)]


def _genuine_pairs(members: list[IntArray], count: int, random: np.random.Generator) -> IntArray:
    """Return up to count distinct genuine pairs (n, 2), one of each identity in turn."""
    queues = [_shuffled_pairs(images, count, random) for images in members]
    dealt = [queue[turn] for turn in range(count) for queue in queues if turn < len(queue)]
    return np.asarray(dealt[:count], dtype=np.int64).reshape(-1, 2)


def _shuffled_pairs(images: IntArray, count: int, random: np.random.Generator) -> list[tuple[int, int]]:
    """Return up to count distinct pairs of one identity's images, in random order."""
    few = random.permutation(images)[: count + 1]  # count + 1 images make more than count pairs
    every = list(combinations(few.tolist(), 2))
    return [every[i] for i in random.permutation(len(every))[:count]]


def _impostor_pairs(members: list[IntArray], count: int, random: np.random.Generator) -> IntArray:
    """Return count distinct impostor pairs (n, 2) of identities drawn evenly; fewer if there are not so many."""
    sizes = np.asarray([len(images) for images in members])
    possible = (int(sizes.sum()) ** 2 - int((sizes**2).sum())) // 2
    chosen: dict[tuple[int, int], None] = {}
    while len(chosen) < min(count, possible):
        one, other = random.choice(len(members), size=2, replace=False)
        first, second = int(random.choice(members[one])), int(random.choice(members[other]))
        chosen[min(first, second), max(first, second)] = None
    return np.asarray(list(chosen), dtype=np.int64).reshape(-1, 2)
