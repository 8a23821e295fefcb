"""Every two of N embeddings: how many genuine and how many impostor pairs have which similarity.

All pairs are compared exactly, in blocks of rows × columns, and counted in steps of 1e-4. So memory does not grow with
the pairs: 16,000 photos are 128 million pairs and a few seconds. A step is where a threshold may lie; what is counted
at a step is exact, but for pairs whose float32 similarity lies on its edge.

Photos may be of several sets, each with its own cameras and places. Photos of two sets differ in more than the person,
and their impostor pairs are less alike than those of one: of LFW and CFP, pairs across reach the thresholds of FMR 1e-2
to 1e-5 a quarter to a tenth as often as pairs within. So pairs are made within a set only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from marginface.errors import InputError
from marginface.metrics.roc import Roc
from marginface.values import LENGTH_ERROR, BoolArray, DoubleArray, FloatArray, IntArray, frozen

STEPS = 10_000  # of the similarity from 0 to 1
TOP = 2 * STEPS  # the step of similarity 1
_COPIES = 0.1  # of a step below the top: more than float32 is off
_BLOCK = 1 << 22  # similarities at once: 16 MB


@dataclass(frozen=True, slots=True, eq=False)
class SimilarityCounts:
    """Pairs by step: ``genuine`` and ``impostor`` (20,002,), from similarity −1 up; the last, above 1, is empty."""

    genuine: IntArray
    impostor: IntArray

    def __post_init__(self) -> None:
        for name in ("genuine", "impostor"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def genuine_pairs(self) -> int:
        """Return how many genuine pairs there are."""
        return int(self.genuine.sum())

    @property
    def impostor_pairs(self) -> int:
        """Return how many impostor pairs there are."""
        return int(self.impostor.sum())

    @property
    def false_matches(self) -> IntArray:
        """Return the impostor pairs at or above each step (20,002,), falling to 0."""
        return _at_or_above(self.impostor)

    def step_at(self, fmr: float) -> int:
        """Return the lowest step whose FMR is at most the one asked for; above TOP where no similarity is."""
        return int(np.argmax(self.false_matches <= fmr * self.impostor_pairs + 1e-9))

    def roc(self) -> Roc:
        """Return the curve through every step that some pair has; without genuine pairs its TAR is 1."""
        used = np.flatnonzero(self.genuine + self.impostor)[::-1]
        same, different = (_at_or_above(counts)[used] for counts in (self.genuine, self.impostor))
        tar = same / self.genuine_pairs if self.genuine_pairs else np.ones(len(used))
        thresholds = np.concatenate([[np.inf], [similarity_of(step) for step in used.tolist()]])
        return Roc(thresholds, np.append(0.0, different / self.impostor_pairs), np.append(0.0, tar))


def _at_or_above(counts: IntArray) -> IntArray:
    above: IntArray = np.cumsum(counts[::-1])[::-1]
    return above


def similarity_of(step: int) -> float:
    """Return the lowest similarity of a step, to four decimals.

    >>> similarity_of(13_597)
    0.3597
    """
    return (step - STEPS) / STEPS


def steps_of(similarities: FloatArray) -> IntArray:
    """Return the step of each similarity; beyond −1 and 1 there is rounding and nothing else.

    Copies of one photo are at the top, also where float32 makes their similarity 0.99999994.
    """
    scaled = np.asarray(similarities + np.float32(1))
    scaled *= np.float32(STEPS)
    np.clip(scaled, 0, TOP, out=scaled)
    np.putmask(scaled, scaled >= TOP - _COPIES, TOP)
    return scaled.astype(np.int64)


def count_similarities(embeddings: FloatArray, people: IntArray, sets: IntArray | None = None) -> SimilarityCounts:
    """Compare every two of N photos; see PeopleInSets for the arguments and errors.

    >>> counts = count_similarities(np.eye(3, dtype=np.float32), np.array([0, 0, 1]))
    >>> counts.genuine_pairs, counts.impostor_pairs
    (1, 2)
    """
    genuine, impostor = np.zeros(TOP + 2, np.int64), np.zeros(TOP + 2, np.int64)
    for block in PeopleInSets.of(embeddings, people, sets).blocks():
        impostor += np.bincount(steps_of(block.beyond).ravel(), minlength=len(impostor))
        first, second, same = block.pairs_within()
        steps = steps_of(block.within[first, second])
        genuine += np.bincount(steps[same], minlength=len(genuine))
        impostor += np.bincount(steps[~same], minlength=len(impostor))
    return SimilarityCounts(genuine, impostor)


@dataclass(frozen=True, slots=True, eq=False)
class PairBlock:
    """The pairs of the photos of some people, n of them, among themselves and with the m photos after them.

    Attributes:
        people: (n + m,) numbers of the people, rising.
        within: (n, n) similarities; each pair is there twice, each photo with itself once.
        beyond: (n, m) similarities: impostor pairs all.
    """

    people: IntArray
    within: FloatArray
    beyond: FloatArray

    def pairs_within(self) -> tuple[IntArray, IntArray, BoolArray]:
        """Return the pairs within, once each: rows, columns, and whether they are of one person."""
        first, second = np.triu_indices(len(self.within), 1)
        return first, second, self.people[first] == self.people[second]


@dataclass(frozen=True, slots=True, eq=False)
class PeopleInSets:
    """N photos in the order in which they are compared: set by set, person by person.

    Attributes:
        vectors: (N, D) float32, unit rows.
        people: (N,) numbers of the people from 0, rising.
        sets: (P,) the set of each person, numbers from 0, rising.
    """

    vectors: FloatArray
    people: IntArray
    sets: IntArray

    @classmethod
    def of(cls, embeddings: FloatArray, people: IntArray, sets: IntArray | None = None) -> PeopleInSets:
        """Arrange photos.

        Args:
            embeddings: Unit rows (N, D) of one contract.
            people: (N,) whose photos they are; any integers.
            sets: (N,) photos of two sets are no pair; any integers. A person in two sets counts as two people there.

        Raises:
            InputError: shapes do not fit, rows are not unit, or no set has two people.
        """
        where = np.zeros(len(people), np.int64) if sets is None else sets
        if embeddings.ndim != 2 or not people.shape == where.shape == embeddings.shape[:1]:
            raise InputError(
                f"embeddings are (N, D), with a person (N,) and a set (N,) each; got {embeddings.shape}, "
                f"{people.shape} and {where.shape}"
            )
        _require_unit(embeddings)
        names, codes = np.unique(np.stack([where, people]), axis=1, return_inverse=True)
        of_person = np.unique(names[0], return_inverse=True)[1].astype(np.int64)
        if max(np.bincount(of_person), default=0) < 2:
            raise InputError(
                f"impostor pairs are of two people: photos of two or more are needed; got {len(of_person)}"
                + ("" if sets is None else f" in {len(np.unique(where))} sets, one in each")
            )
        order = np.argsort(codes.reshape(-1), kind="stable")
        return cls(np.asarray(embeddings, np.float32)[order], codes.reshape(-1)[order].astype(np.int64), of_person)

    @property
    def photos(self) -> IntArray:
        """Return how many photos each person has (P,)."""
        return np.bincount(self.people, minlength=len(self.sets))

    def of_set(self, values: IntArray | DoubleArray) -> DoubleArray:
        """Return for each set the sum over its people of values (P,)."""
        sums: DoubleArray = np.bincount(self.sets, values).astype(np.float64)
        return sums

    def blocks(self) -> Iterator[PairBlock]:
        """Yield every pair of photos within a set, in blocks of whole people."""
        begins = np.append(np.flatnonzero(np.diff(self.sets[self.people], prepend=-1)), len(self.people))
        for first, last in pairwise(begins.tolist()):
            vectors, people = self.vectors[first:last], self.people[first:last]
            for start, end in _spans(people):
                rows = vectors[start:end]
                yield PairBlock(people[start:], rows @ rows.T, rows @ vectors[end:].T)


def _require_unit(embeddings: FloatArray) -> None:
    norms = np.sqrt(np.einsum("nd,nd->n", embeddings, embeddings, dtype=np.float64))
    if len(norms) and not np.allclose(norms, 1, atol=LENGTH_ERROR):
        raise InputError(f"embeddings are unit rows; got norms {norms.min():.3f} to {norms.max():.3f}")


def _spans(people: IntArray) -> Iterator[tuple[int, int]]:
    """Yield where blocks begin and end: whole people, and more rows only where one person has so many photos."""
    rows = max(1, _BLOCK // len(people))
    begins = np.append(np.flatnonzero(np.diff(people, prepend=-1)), len(people))
    start = 0
    while start < len(people):
        fits = begins[(begins > start) & (begins <= start + rows)]
        end = int(fits[-1]) if len(fits) else int(begins[begins > start][0])
        yield start, end
        start = end
