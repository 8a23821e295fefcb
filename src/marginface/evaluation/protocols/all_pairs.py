"""All pairs of a set of photos, genuine and impostor, as MFR-ongoing has them: TAR at a FAR of 1e-6 of billions.

A set is scored whole and by groups, each group's photos among themselves; or the photos of one kind against those of
another (with a mask and without). No matrix of similarities is made: all genuine pairs and the most similar impostor
pairs decide (metrics.hardest_pairs). A photo without a face is in its pairs: they have similarity −1.

MFR-ongoing takes FAR 1e-6 for the groups that it calls races and for all of them (MR-All), 1e-4 for children and for
mask against no mask. It counts a pair in both orders, which changes no rate.

Source: insightface, challenges/IFRT (2021) and mfr; Deng et al., "Masked Face Recognition Challenge: the InsightFace
track report", ICCV Workshops 2021, arXiv:2108.08191.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from marginface.contract import Contract
from marginface.errors import InputError
from marginface.evaluation.reading import FaceList, Faces
from marginface.evaluation.scoring.impostors import fars_of, pairs_to_keep, tars_of, with_lost
from marginface.evaluation.scoring.scores import NO_FACE, tar_values
from marginface.evaluation.scoring.slices import columns_of_pairs
from marginface.metrics import Interval, TarAtFar
from marginface.metrics.bootstrap import PeopleOfAllPairs
from marginface.metrics.hardest_pairs import HardestPairs, genuine_pairs, hardest_crossed, hardest_impostors
from marginface.metrics.roc import FarRule
from marginface.similarity import pair_similarities
from marginface.values import BoolArray, DoubleArray, IntArray

if TYPE_CHECKING:
    from marginface.embedding import Embedder

ALL = "all"
_NAMED = 20  # impostor pairs


@dataclass(frozen=True, slots=True, eq=False)
class AllPairsScores:
    """1:1 of all pairs of a set: its size, the similarities of the genuine pairs (G,), TARs with intervals over people.

    ``impostors`` (K,) are the most similar of ``impostor_pairs``, falling; ``look_alikes`` names the first of them with
    their similarities: real look-alikes, or one person under two names.
    """

    name: str
    images: int
    people: int
    genuine: DoubleArray
    impostors: DoubleArray
    look_alikes: tuple[tuple[str, str, float], ...]
    impostor_pairs: int
    tar_at_far: tuple[TarAtFar, ...]
    intervals: tuple[Interval, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "set": self.name,
            "images": self.images,
            "people": self.people,
            "genuine_pairs": len(self.genuine),
            "impostor_pairs": self.impostor_pairs,
            "tar_at_far": tar_values(self.tar_at_far, self.intervals),
            "most_similar_impostors": [list(pair) for pair in self.look_alikes],
        }


@dataclass(frozen=True, slots=True, eq=False)
class AllPairsResult:
    """What a model scored: the whole set first, then its groups; ``unscored`` are those too small, and why."""

    source: str
    sets: tuple[AllPairsScores, ...]
    unscored: tuple[tuple[str, str], ...]
    crossed: str
    failures: tuple[str, ...]
    model: str
    contract: Contract
    rule: FarRule
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "data": self.source,
            "model": self.model,
            "pairs_between": self.crossed or "all photos",
            "sets": [one.to_dict() for one in self.sets],
            "groups_without_a_score": dict(self.unscored),
            "rule": self.rule,
            "failures_to_acquire": len(self.failures),
            "failures": list(self.failures),
            "contract": self.contract.id,
            "mirror": self.contract.mirror,
            "seconds": round(self.seconds, 2),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What is scored of a set besides the whole: photos of each group, and whose pairs.

    Attributes:
        groups: name → rows of its photos.
        sides: (N,) pairs are between photos of one side and of the other; None: between all.
        crossed: the sides, in words.
    """

    groups: Mapping[str, IntArray]
    sides: BoolArray | None = None
    crossed: str = ""


WHOLE = Parts({})


def parts_of(
    listed: FaceList,
    metadata: Mapping[str, Mapping[str, str]] | None,
    groups: Sequence[str] = (),
    cross: str = "",
    fars: Sequence[float] | None = None,
) -> Parts:
    """Return the groups of a set, before its photos are embedded.

    Args:
        listed: the set.
        metadata: of each photo, by its name; see slices.read_metadata.
        groups: columns whose values are groups.
        cross: a column of two values, such as ``mask``: pairs are between photos of one and of the other alone.
        fars: that will be asked for, to refuse what the whole set does not support.

    Raises:
        InputError: a photo has no metadata, no such column, or the whole set no pairs of a kind or too few for a FAR.
    """
    columns = {name: _column(listed, metadata, name) for name in {*groups, *filter(None, [cross])}}
    sides = _sides(cross, columns[cross]) if cross else None
    _require_pairs(listed.people, sides, fars, ALL)
    rows = {
        f"{name}: {value}": np.flatnonzero(columns[name] == value)
        for name in groups
        for value in np.unique(columns[name]).tolist()
    }
    return Parts(rows, sides, " against ".join(np.unique(columns[cross]).tolist()) if cross else "")


def _column(listed: FaceList, metadata: Mapping[str, Mapping[str, str]] | None, name: str) -> Any:
    if metadata is None or not listed.names:
        what = "no metadata" if metadata is None else f"{listed.source}, which has no names of photos"
        raise InputError(f"groups are a column of --metadata FILE.csv, a line for each photo; got {what}")
    return np.asarray(columns_of_pairs(metadata, listed.names, listed.names, name))


def _sides(column: str, values: Any) -> BoolArray:
    kinds = np.unique(values).tolist()
    if len(kinds) != 2:
        raise InputError(f"photos of one kind meet those of another: {column} has two values; got {', '.join(kinds)}")
    first: BoolArray = values == kinds[0]
    return first


def evaluate_all_pairs(
    embedder: Embedder,
    faces: Faces,
    parts: Parts = WHOLE,
    *,
    fars: Sequence[float] | None = None,
    rule: FarRule = "at_most",
) -> AllPairsResult:
    """Score all pairs of a set, and of each group; a group that is too small for it is named.

    Args:
        embedder: that made the faces.
        faces: the set.
        parts: its groups.
        fars: of the TARs; without them those of 1e-2 … 1e-6 that the impostor pairs support.
        rule: which threshold a FAR has.

    Raises:
        InputError: the whole set has no pairs of a kind, or too few for a FAR.
    """
    started = time.perf_counter()
    scored, unscored = [score_all_pairs(faces, ALL, sides=parts.sides, fars=fars, rule=rule)], []
    for name, places in parts.groups.items():
        sides = None if parts.sides is None else parts.sides[places]
        try:
            scored.append(score_all_pairs(faces.part(places), name, sides=sides, fars=fars, rule=rule))
        except InputError as error:  # the group has too few photos: for a pair of a kind, or for a FAR
            unscored.append((name, str(error)))
    return AllPairsResult(
        source=faces.source,
        sets=tuple(scored),
        unscored=tuple(unscored),
        crossed=parts.crossed,
        failures=faces.failures,
        model=embedder.card.name,
        contract=embedder.contract,
        rule=rule,
        seconds=time.perf_counter() - started,
    )


def score_all_pairs(
    faces: Faces,
    name: str = ALL,
    *,
    sides: BoolArray | None = None,
    fars: Sequence[float] | None = None,
    rule: FarRule = "at_most",
    resamples: int = 200,
) -> AllPairsScores:
    """Score all pairs of a set; with ``sides`` (N,) those of a photo of one side and one of the other.

    Raises:
        InputError: there are no pairs of a kind, or a FAR is not supported, or looks at more pairs than are kept.
    """
    first, second = _genuine(faces.people, sides)
    impostor_pairs, wanted = _require_pairs(faces.people, sides, fars, name)
    most = pairs_to_keep(impostor_pairs, wanted)
    genuine = np.full(len(first), NO_FACE)
    usable = faces.found[first] & faces.found[second]
    genuine[usable] = pair_similarities(faces.vectors, first[usable], second[usable])
    hardest = with_lost(_hardest(faces, sides, most), most)
    points, intervals = tars_of(genuine, hardest, _people(faces.people, first, hardest, sides), wanted, rule, resamples)
    return AllPairsScores(
        name=name,
        images=len(faces),
        people=len(np.unique(faces.people)),
        genuine=genuine,
        impostors=hardest.similarities,
        look_alikes=_named(faces, hardest),
        impostor_pairs=impostor_pairs,
        tar_at_far=points,
        intervals=intervals,
    )


def _genuine(people: IntArray, sides: BoolArray | None) -> tuple[IntArray, IntArray]:
    first, second = genuine_pairs(people)
    if sides is None:
        return first, second
    apart = sides[first] != sides[second]
    return first[apart], second[apart]


def _require_pairs(
    people: IntArray, sides: BoolArray | None, fars: Sequence[float] | None, name: str
) -> tuple[int, list[float]]:
    """Return how many impostor pairs there are and the FARs; raise InputError if there are too few pairs of a kind."""
    genuine, impostor_pairs = _pair_counts(people, sides)
    if not genuine or not impostor_pairs:
        raise InputError(
            f"all pairs need two photos of a person and two people; {name} has {genuine:,} genuine and "
            f"{impostor_pairs:,} impostor pairs"
        )
    return impostor_pairs, fars_of(impostor_pairs, fars)


def _pair_counts(people: IntArray, sides: BoolArray | None) -> tuple[int, int]:
    """Return how many pairs are of one person, and how many of two."""
    codes = np.unique(people, return_inverse=True)[1]
    if sides is None:
        of_person = np.bincount(codes)
        genuine, every = int((of_person * (of_person - 1)).sum()) // 2, len(people) * (len(people) - 1) // 2
    else:
        one, other = (np.bincount(codes[side], minlength=int(codes.max(initial=-1)) + 1) for side in (sides, ~sides))
        genuine, every = int(one @ other), int(one.sum()) * int(other.sum())
    return genuine, every - genuine


def _hardest(faces: Faces, sides: BoolArray | None, most: int) -> HardestPairs:
    """Return the most similar impostor pairs of photos with a face, in rows of all photos."""
    if sides is None:
        rows = np.flatnonzero(faces.found)
        found = hardest_impostors(faces.vectors[rows], faces.people[rows], most)
        return HardestPairs(rows[found.first], rows[found.second], found.similarities)
    one, other = np.flatnonzero(faces.found & sides), np.flatnonzero(faces.found & ~sides)
    vectors, people = faces.vectors, faces.people
    found = hardest_crossed(vectors[one], vectors[other], people[one], people[other], most)
    return HardestPairs(one[found.first], other[found.second], found.similarities)


def _named(faces: Faces, hardest: HardestPairs) -> tuple[tuple[str, str, float], ...]:
    if not faces.names:
        return ()
    first = zip(hardest.first.tolist(), hardest.second.tolist(), hardest.similarities.tolist(), strict=True)
    return tuple((faces.names[a], faces.names[b], value) for a, b, value in islice(first, _NAMED) if a >= 0)


def _people(people: IntArray, first: IntArray, hardest: HardestPairs, sides: BoolArray | None) -> PeopleOfAllPairs:
    names, codes = np.unique(people, return_inverse=True)
    owner = np.append(codes.astype(np.int64), -1)  # photo −1 is of nobody
    counts = [np.append(np.bincount(codes[side], minlength=len(names)), 0)
              for side in ([slice(None)] if sides is None else [sides, ~sides])]  # fmt: skip
    return PeopleOfAllPairs(owner[first], owner[hardest.first], owner[hardest.second], *counts)
