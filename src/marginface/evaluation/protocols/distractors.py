"""Identification among distractors, as MegaFace has it: does a photo find the other one of its person among a million?

Of a probe person every ordered pair of photos (i, j) is a search: j alone is enrolled with D distractors, photos of
others, and i is searched. Its rank is one more than the distractors that are as similar to i as j is, so that a tie
counts against the model. Rates are shares of all searches; a person with many photos has many. D grows by tens, each
set within the next, in an order that a seed decides. Verification beside it: the genuine pairs are those of probes, the
impostor pairs all of a probe and a distractor.

A photo without a face is in its pairs and searches: missed where it is a probe's, never returned where a distractor's.

Source: Kemelmacher-Shlizerman et al., "The MegaFace Benchmark: 1 million faces for recognition at scale", CVPR 2016,
arXiv:1512.00596 (80 people of FaceScrub with 50 photos or so, a million distractors). It is withdrawn.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from marginface.contract import Contract
from marginface.errors import DataError, InputError
from marginface.evaluation.reading import FaceList, Faces
from marginface.evaluation.scoring.identification import RANKS
from marginface.evaluation.scoring.impostors import fars_of, pairs_to_keep, tars_of, with_lost
from marginface.evaluation.scoring.scores import NO_FACE, tar_values
from marginface.metrics import Interval, TarAtFar
from marginface.metrics.bootstrap import PeopleOfAllPairs
from marginface.metrics.hardest_pairs import HardestPairs, genuine_pairs, hardest_crossed
from marginface.metrics.intervals import mean_over_people
from marginface.metrics.nearest_rows import NearestRows
from marginface.metrics.roc import FarRule
from marginface.similarity import pair_similarities
from marginface.values import FloatArray, IntArray

if TYPE_CHECKING:
    from marginface.embedding import Embedder

_CHUNK = 16_384  # distractors gathered at once: of 512 numbers 34 MB


@dataclass(frozen=True, slots=True)
class RateAmong:
    """The share of searches whose enrolled photo came within ``rank``, among so many distractors, over people."""

    distractors: int
    rank: int
    rate: float
    interval: Interval

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "distractors": self.distractors,
            "rank": self.rank,
            "identification_rate": self.rate,
            "interval_identities": self.interval.to_list(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class DistractorResult:
    """What a model scored: rates by number of distractors and rank, and TAR at FAR among all of them."""

    probes: Faces
    distractors: Faces
    split: str
    searches: int
    rates: tuple[RateAmong, ...]
    tar_at_far: tuple[TarAtFar, ...]
    intervals: tuple[Interval, ...]
    model: str
    contract: Contract
    seed: int
    rule: FarRule
    seconds: float

    @property
    def sizes(self) -> tuple[int, ...]:
        """Return the numbers of distractors, rising."""
        return tuple(sorted({one.distractors for one in self.rates}))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        failures = [*self.probes.failures, *self.distractors.failures]
        return {
            "model": self.model,
            "split": self.split,
            "probe_people": len(np.unique(self.probes.people)),
            "probe_photos": len(self.probes),
            "distractors": len(self.distractors),
            "searches": self.searches,
            "rates": [one.to_dict() for one in self.rates],
            "tar_at_far": tar_values(self.tar_at_far, self.intervals),
            "seed": self.seed,
            "rule": self.rule,
            "failures_to_acquire": len(failures),
            "failures": failures,
            "contract": self.contract.id,
            "mirror": self.contract.mirror,
            "seconds": round(self.seconds, 2),
        }


def list_probes(listed: FaceList) -> FaceList:
    """Return the photos of people with two or more: who can be a probe.

    Raises:
        DataError: nobody has.
    """
    chosen = np.flatnonzero(np.bincount(listed.people)[listed.people] > 1)
    if not len(chosen):
        raise DataError(f"{listed.source}: a probe person has two photos or more; got nobody of {len(listed.people):,}")
    return listed.part(chosen)


def probes_and_distractors(listed: FaceList, people: int = 0, seed: int = 0) -> tuple[FaceList, FaceList, str]:
    """Divide one set: who has two photos or more is a probe person, everybody else a distractor; and say so in words.

    Args:
        listed: photos of people.
        people: so many of those with several photos are drawn as probe people; 0: all of them.
        seed: decides which.

    Raises:
        DataError: nobody has two photos, or nobody is left as a distractor.
        InputError: more people than there are.
    """
    counts = np.bincount(listed.people)
    able = np.flatnonzero(counts > 1)
    if not 0 <= people <= len(able):
        raise InputError(f"{people} probe people were asked for; {len(able):,} have two photos or more")
    drawn = able if not people else np.random.default_rng(seed).permutation(able)[:people]
    probes = np.isin(listed.people, drawn)
    if probes.all() or not probes.any():
        raise DataError(
            f"{listed.source}: expected people with two photos or more, the probes, and others, the distractors; got "
            f"{int((counts > 0).sum()):,} people, {len(able):,} of them with two or more. Draw fewer people, or give a "
            "second folder of distractors."
        )
    how = f", drawn with seed {seed}," if people else ""
    rule = f"{len(drawn):,} people with two photos or more{how} are probes, the photos of everybody else distractors"
    return listed.part(np.flatnonzero(probes)), listed.part(np.flatnonzero(~probes)), rule


def evaluate_distractors(
    embedder: Embedder,
    probes: Faces,
    distractors: Faces,
    *,
    split: str = "probes and distractors as given",
    seed: int = 0,
    fars: Sequence[float] | None = None,
    rule: FarRule = "at_most",
) -> DistractorResult:
    """Search every photo of the probe people for every other one of its person, among 10, 100 … all distractors.

    Args:
        embedder: that made the faces.
        probes: of people with two photos or more (list_probes).
        distractors: none of them of a probe person; whose they are is not asked.
        split: how they came about, in words.
        seed: of the order of the distractors.
        fars: of the TARs; without them those of 1e-2 … 1e-6 that the impostor pairs support.
        rule: which threshold a FAR has.

    Raises:
        InputError: a FAR that is not supported.
        DataError: no probe person has two photos, or there is no distractor.
    """
    started = time.perf_counter()
    pairs = genuine_pairs(probes.people)
    if not len(pairs[0]) or not len(distractors):
        raise DataError(
            f"expected people with two photos and distractors; got {len(pairs[0]):,} pairs of photos of one person and "
            f"{len(distractors):,} distractors"
        )
    similarities = _similarities(probes, *pairs)
    order = distractor_order(len(distractors), seed)
    rates = [
        rate
        for size, best in _bests(probes.vectors, distractors, order, max(RANKS))
        for rate in _rates(probes.people, pairs, similarities, best, size)
    ]
    points, intervals = _verification(probes, distractors, pairs[0], similarities, fars, rule)
    return DistractorResult(
        probes=probes,
        distractors=distractors,
        split=split,
        searches=2 * len(similarities),
        rates=tuple(rates),
        tar_at_far=points,
        intervals=intervals,
        model=embedder.card.name,
        contract=embedder.contract,
        seed=seed,
        rule=rule,
        seconds=time.perf_counter() - started,
    )


def distractor_order(count: int, seed: int) -> IntArray:
    """Return the order in which distractors are taken: those of a size are the first so many."""
    return np.random.default_rng(seed).permutation(count).astype(np.int64)


def _similarities(probes: Faces, first: IntArray, second: IntArray) -> FloatArray:
    """Return the similarity of each genuine pair, in float32 as those of the search; −1 where a photo has no face."""
    found = np.full(len(first), NO_FACE, dtype=np.float32)
    usable = probes.found[first] & probes.found[second]
    found[usable] = pair_similarities(probes.vectors, first[usable], second[usable])
    return found


def _bests(probes: FloatArray, distractors: Faces, order: IntArray, most: int) -> Iterator[tuple[int, FloatArray]]:
    """Yield each number of distractors and the ``most`` highest similarities of each probe (P, most), falling."""
    nearest, done = NearestRows(probes, most), 0
    for size in _sizes(len(order)):
        for start in range(done, size, _CHUNK):
            rows = order[start : min(start + _CHUNK, size)]
            nearest.show(distractors.vectors[np.sort(rows[distractors.found[rows]])])
        done = size
        yield size, nearest.similarities.astype(np.float32)


def _sizes(count: int) -> list[int]:
    """Return 10, 100 … and all."""
    tens = (10**power for power in range(1, len(str(count)) + 1))
    return sorted({size for size in tens if size < count} | {count})


def _rates(
    people: IntArray, pairs: tuple[IntArray, IntArray], similarities: FloatArray, best: FloatArray, size: int
) -> Iterator[RateAmong]:
    """Yield the rate at each rank, with its interval over people."""
    owner = people[pairs[0]]
    trials = 2 * np.bincount(owner, minlength=int(people.max()) + 1)
    seen = similarities > NO_FACE
    for rank in RANKS:
        hits = sum(((similarities > best[probe, rank - 1]) & seen).astype(np.int64) for probe in pairs)
        sums = np.bincount(owner, hits, len(trials))
        known = trials > 0
        interval = mean_over_people(sums[known], trials[known])
        yield RateAmong(size, rank, float(sums.sum() / trials.sum()), interval)


def _verification(
    probes: Faces,
    distractors: Faces,
    owners: IntArray,
    similarities: FloatArray,
    fars: Sequence[float] | None,
    rule: FarRule,
) -> tuple[tuple[TarAtFar, ...], tuple[Interval, ...]]:
    """Return TAR at FAR against all distractors; ``owners`` (G,) are photos of the genuine pairs."""
    total = len(probes) * len(distractors)
    wanted = fars_of(total, fars)
    most = pairs_to_keep(total, wanted)
    hardest = with_lost(_hardest(probes, distractors, most), most)
    codes = np.unique(probes.people, return_inverse=True)[1].astype(np.int64)
    photos = np.append(np.bincount(codes), 0)
    people = PeopleOfAllPairs(
        genuine=codes[owners],
        first=np.append(codes, -1)[hardest.first],
        second=np.full(most, -1, dtype=np.int64),
        photos=photos,
        others=np.append(np.zeros(len(photos) - 1, dtype=np.int64), len(distractors)),
    )
    return tars_of(similarities.astype(np.float64), hardest, people, wanted, rule)


def _hardest(probes: Faces, distractors: Faces, most: int) -> HardestPairs:
    """Return the most similar pairs of a probe and a distractor with faces, in rows of all."""
    one, other = np.flatnonzero(probes.found), np.flatnonzero(distractors.found)
    vectors = distractors.vectors if len(other) == len(distractors) else distractors.vectors[other]
    nobody = np.full(len(other), -1, dtype=np.int64)
    found = hardest_crossed(probes.vectors[one], vectors, probes.people[one], nobody, most)
    return HardestPairs(one[found.first], other[found.second], found.similarities)
