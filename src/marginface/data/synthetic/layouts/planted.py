"""Embeddings whose answers are known by construction, in the shape of MegaFace and of MFR-ongoing.

People have directions of their own, at right angles. A photo is √c of the person's direction and √(1 − c) of one that
belongs to its number, so that two photos of a person have similarity c = 0.8 and photos of two people 0.2 if they have
one number and 0 else. Into this are planted

    look-alikes    distractors at 0.9 to one photo of a probe person, and so at 0.72 to the others: a search with this
                   photo finds them before the enrolled one, no other search does; all other distractors are at right
                   angles to every probe
    twins          couples of people whose directions have a cosine of ½: every two of their photos have 0.4 or 0.6
    hard people    whose photos have similarity 0.3, and numbers of their own
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marginface.errors import InputError
from marginface.values import FloatArray, IntArray

GENUINE, HARD, LOOKALIKE = 0.8, 0.3, 0.9
_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class MegaPlan:
    """Probe people, their photos, and distractors; MegaFace has 80 people, 3,530 photos and a million distractors.

    Attributes:
        people: who is searched.
        photos: of each.
        distractors: how many.
        lookalikes: of these, one for each of so many photos of probe people.
        size: of an embedding; people + photos + 1 or more.
        seed: decides which photos have a look-alike, and where it stands.
    """

    people: int = 80
    photos: int = 44
    distractors: int = 1_000_000
    lookalikes: int = 100
    size: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        room = self.people + self.photos + 1
        if self.photos < 2 or self.size < room or self.lookalikes > min(self.distractors, self.people * self.photos):
            raise InputError(
                f"a plan has 2 photos a person or more, embeddings of {room} numbers or more, and no more look-alikes "
                f"than photos or distractors; got {self}"
            )

    def places(self) -> tuple[IntArray, IntArray]:
        """Return the look-alikes (L,) among the distractors, rising, and the photo of a probe person of each (L,)."""
        rng = np.random.default_rng([self.seed, 1])
        places = np.sort(rng.choice(self.distractors, self.lookalikes, replace=False))
        return places, rng.choice(self.people * self.photos, self.lookalikes, replace=False)

    def rank_one(self, present: IntArray | None = None) -> float:
        """Return the share of searches answered right among all distractors, or among those (D,) alone.

        Every search with a photo that has a look-alike among them is answered wrong, whichever photo is enrolled.
        """
        places, _ = self.places()
        here = self.lookalikes if present is None else int(np.isin(places, present).sum())
        return 1 - here / (self.people * self.photos)


def probe_vectors(plan: MegaPlan) -> FloatArray:
    """Return the embeddings of the probe people (people · photos, size), person by person."""
    person = np.repeat(np.arange(plan.people), plan.photos)
    number = np.tile(np.arange(plan.photos), plan.people)
    vectors = np.zeros((len(person), plan.size), dtype=np.float32)
    vectors[np.arange(len(person)), person] = np.sqrt(GENUINE)
    vectors[np.arange(len(person)), plan.people + number] = np.sqrt(1 - GENUINE)
    return vectors


def distractor_vectors(plan: MegaPlan, start: int = 0, stop: int | None = None) -> FloatArray:
    """Return the embeddings of the distractors, or of some in a row; ``start`` is a multiple of 65,536."""
    end = plan.distractors if stop is None else stop
    blocks = [_distractor_block(plan, begin, min(begin + _BLOCK, end)) for begin in range(start, end, _BLOCK)]
    return np.concatenate(blocks)


def _distractor_block(plan: MegaPlan, start: int, stop: int) -> FloatArray:
    """Return directions at right angles to every photo of a probe person, and the look-alikes."""
    taken = plan.people + plan.photos
    drawn = np.random.default_rng([plan.seed, 2, start]).standard_normal((stop - start, plan.size - taken))
    free = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    block = np.hstack([np.zeros((stop - start, taken), dtype=np.float32), free])
    places, photos = plan.places()
    here = (places >= start) & (places < stop)
    rows = places[here] - start
    block[rows] = LOOKALIKE * probe_vectors(plan)[photos[here]] + np.sqrt(1 - LOOKALIKE**2) * block[rows]
    return block


def write_megaface(root: Path, plan: MegaPlan) -> tuple[Path, Path]:
    """Write ``probes.npz`` and ``distractors.npy`` below root and return their paths; no contract is in them."""
    root.mkdir(parents=True, exist_ok=True)
    names = [f"person{row // plan.photos:03d}/{row % plan.photos}.jpg" for row in range(plan.people * plan.photos)]
    np.savez(root / "probes.npz", photos=np.array(names), embeddings=probe_vectors(plan))
    shape = (plan.distractors, plan.size)
    array = np.lib.format.open_memmap(root / "distractors.npy", mode="w+", dtype=np.float32, shape=shape)
    for start in range(0, plan.distractors, _BLOCK):
        stop = min(start + _BLOCK, plan.distractors)
        array[start:stop] = distractor_vectors(plan, start, stop)
    array.flush()
    return root / "probes.npz", root / "distractors.npy"


@dataclass(frozen=True, slots=True)
class PlantedGroup:
    """A group of an all-pairs set: how many people, how many of them are hard, how many couples of others are twins."""

    name: str
    people: int
    hard: int = 0
    twins: int = 0


@dataclass(frozen=True, slots=True)
class AllPairsPlan:
    """People in groups, ``photos`` of each, the first of them with a mask; the shape of MFR-ongoing's sets.

    MFR-ongoing has 242,143 people with 6.7 photos each; here they are as many as there are right angles, and all
    answers are known: those of ``tar`` at FARs that let fewer pairs in than have similarity 0.2.
    """

    groups: tuple[PlantedGroup, ...]
    photos: int = 4
    size: int = 512

    def __post_init__(self) -> None:
        people, hard = (sum(getattr(group, key) for group in self.groups) for key in ("people", "hard"))
        room = people + self.photos * (1 + hard)
        bad = [group.name for group in self.groups if group.hard + 2 * group.twins > group.people]
        if self.photos < 2 or bad or self.size < room:
            raise InputError(
                f"a plan has 2 photos a person or more, embeddings of {room} numbers or more, and in each group the "
                f"people who are hard or twins; got {self.photos} photos and {self.size} numbers"
                + (f", and fewer people in {', '.join(bad)}" if bad else "")
            )

    def impostor_pairs(self, groups: Sequence[PlantedGroup], *, crossed: bool = False) -> int:
        """Return how many impostor pairs some groups have among them; ``crossed``: those of mask against no mask."""
        people = sum(group.people for group in groups)
        couples = people * (people - 1) // 2
        return couples * (2 * (self.photos - 1) if crossed else self.photos**2)

    def tar(self, groups: Sequence[PlantedGroup], far: float, *, crossed: bool = False) -> float:
        """Return the TAR of some groups together, "at most".

        If the FAR lets all pairs of twins in, the threshold is the 0.3 of the hard people, and all genuine pairs are
        accepted; else it is above 0.4, and those of the others alone are.
        """
        people, hard, twins = (sum(getattr(group, key) for group in groups) for key in ("people", "hard", "twins"))
        planted = twins * (2 * (self.photos - 1) if crossed else self.photos**2)
        fits = planted <= far * self.impostor_pairs(groups, crossed=crossed) + 1e-9
        return 1.0 if fits else 1 - hard / people


def all_pairs_vectors(plan: AllPairsPlan) -> FloatArray:
    """Return the embeddings (people · photos, size), group by group, person by person."""
    kinds = np.concatenate([_kinds(group) for group in plan.groups])
    directions = np.eye(len(kinds), plan.size)
    second = np.flatnonzero(kinds == 2)  # the second of twins follows the first
    directions[second] = directions[second - 1] / 2 + np.sqrt(3) / 2 * directions[second]
    rows = np.arange(len(kinds) * plan.photos)
    person, number = rows // plan.photos, rows % plan.photos
    is_hard = kinds == 3
    own = np.where(is_hard, np.cumsum(is_hard), 0)[person]  # whose numbers: those of everybody, or a hard person's
    similarity = np.where(is_hard, HARD, GENUINE)[person]
    vectors = np.sqrt(similarity)[:, None] * directions[person]
    vectors[rows, len(kinds) + own * plan.photos + number] += np.sqrt(1 - similarity)
    return vectors.astype(np.float32)


def _kinds(group: PlantedGroup) -> IntArray:
    """Return 1 and 2 of twins, 3 of hard people, 0 of the rest."""
    kinds = np.zeros(group.people, dtype=np.int64)
    kinds[: 2 * group.twins] = np.tile([1, 2], group.twins)
    kinds[group.people - group.hard :] = 3
    return kinds


def write_all_pairs(root: Path, plan: AllPairsPlan) -> tuple[Path, Path]:
    """Write ``faces.npz`` and ``about.csv`` (image, group, mask) below root and return their paths."""
    root.mkdir(parents=True, exist_ok=True)
    names, rows = [], []
    for group in plan.groups:
        for person in range(group.people):
            for number in range(plan.photos):
                names.append(f"{group.name}-{person:04d}/{number}.jpg")
                rows.append([names[-1], group.name, "no" if number else "yes"])
    np.savez(root / "faces.npz", photos=np.array(names), embeddings=all_pairs_vectors(plan))
    with (root / "about.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([["image", "group", "mask"], *rows])
    return root / "faces.npz", root / "about.csv"
