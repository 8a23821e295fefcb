r"""Error rates of all pairs at thresholds, with bounds that know which pairs share a person.

Of 10 million impostor pairs of 2,000 people every person is in 10,000: a face that many others look like makes many
false matches at once. So the pairs are worth fewer independent ones. The variance of a rate is that of
metrics.crossed, over pairs that share a person; the interval is Wilson's with that variance and Student's t over people
(CrossedMean.share_interval). Where there is no error at all, nothing shows how errors come together, and a couple of
people counts as one trial (of genuine pairs: a person); but a rate is never less sure than one that cannot be smaller,
that of the next laxer threshold (of genuine pairs: the next stricter).

Nothing is kept per pair. A false match of persons a and b at a threshold adds to

    n_a, n_b     the false matches of each person
    n_ab         those of the couple: Σ n_ab² and Σ n_ab·N_ab are needed, N_ab being the number of pairs of the two

and the same for false non-matches, which have no couples.

Source: Fogliato, Patil & Perona, "Confidence intervals for error rates in 1:1 matching tasks", 2023, arXiv:2306.01198;
for the variance see metrics/crossed.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from marginface.metrics.all_pairs import PairBlock, PeopleInSets, similarity_of, steps_of
from marginface.metrics.crossed import CrossedMean, error_of_sums
from marginface.metrics.intervals import Interval, Rate, student_t_quantile, wilson_ends
from marginface.values import DoubleArray, FloatArray, IntArray

METHOD = "Wilson, pairs that share people taken together"


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """False matches and false non-matches at each of T thresholds; no ``fnmr`` where no person has two photos."""

    fmr: tuple[Rate, ...]
    fnmr: tuple[Rate, ...]


def error_rates(
    embeddings: FloatArray,
    people: IntArray,
    steps: Sequence[int],
    sets: IntArray | None = None,
    *,
    confidence: float = 0.95,
) -> ErrorRates:
    """Return the rates of all pairs at thresholds.

    Args:
        embeddings: Unit rows (N, D).
        people: (N,) whose photos they are.
        steps: T rising steps of metrics.all_pairs, where the thresholds are.
        sets: (N,) photos of two sets are no pair; see PeopleInSets.
        confidence: of the bounds.

    Raises:
        InputError: as PeopleInSets.of.
    """
    arranged = PeopleInSets.of(embeddings, people, sets)
    photos, levels = arranged.photos, np.asarray(steps, np.int64)
    matches, misses = _Matches.none(len(photos), len(levels)), np.zeros((len(photos), len(levels) + 1), np.int64)
    for block in arranged.blocks():
        found, own, own_levels = _accepted(block, levels)
        matches.add(found, photos)
        np.add.at(misses, (own, own_levels), 1)
    refused = _miss_rates(np.cumsum(misses, axis=1)[:, :-1], photos * (photos - 1) // 2, confidence)
    return ErrorRates(_capped(matches.rates(arranged, confidence)), _capped(refused[::-1])[::-1])


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Accepted impostor pairs: two people, and the last threshold that accepts them, each (P,)."""

    first: IntArray
    second: IntArray
    level: IntArray


def _accepted(block: PairBlock, steps: IntArray) -> tuple[_Pairs, IntArray, IntArray]:
    """Return the impostor pairs that some threshold accepts, and the person and level (0: none) of genuine pairs."""
    lowest = np.float32(similarity_of(int(steps[0])) - 2e-5)  # copies are at the top from 1e-5 below it
    rows, columns = np.nonzero(block.beyond >= lowest)
    first, second, same = block.pairs_within()
    levels = _levels(block.within[first, second], steps)
    beyond = _levels(block.beyond[rows, columns], steps)
    people = block.people
    joined = _Pairs(
        np.concatenate([people[rows], people[first][~same]]),
        np.concatenate([people[len(block.within) + columns], people[second][~same]]),
        np.concatenate([beyond, levels[~same]]) - 1,
    )
    kept = joined.level >= 0
    impostors = _Pairs(joined.first[kept], joined.second[kept], joined.level[kept])
    return impostors, people[first][same], levels[same]


def _levels(similarities: FloatArray, steps: IntArray) -> IntArray:
    """Return how many of the rising thresholds accept each similarity."""
    return np.searchsorted(steps, steps_of(similarities), side="right").astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Matches:
    """Sums over false matches by their level: of each person (people, T); Σ (2·rank − 1) and Σ N_ab, (T,).

    The sum of n_ab² is one of the accepted pairs: the r-th of a couple adds r² − (r − 1)² = 2r − 1, the most similar
    first, so that the sum over the levels from t on is that at threshold t.
    """

    of_person: IntArray
    squares: DoubleArray
    expected: DoubleArray

    @classmethod
    def none(cls, people: int, thresholds: int) -> _Matches:
        """Return sums over nothing."""
        return cls(np.zeros((people, thresholds), np.int64), np.zeros(thresholds), np.zeros(thresholds))

    def add(self, pairs: _Pairs, photos: IntArray) -> None:
        """Add accepted pairs; all of a couple come at once."""
        people, thresholds = self.of_person.shape
        for person in (pairs.first, pairs.second):
            np.add.at(self.of_person, (person, pairs.level), 1)
        weights = (photos[pairs.first] * photos[pairs.second]).astype(np.float64)
        self.expected[:] += np.bincount(pairs.level, weights, thresholds)
        couples = pairs.first * people + pairs.second
        ordered = np.sort(couples * thresholds + (thresholds - 1 - pairs.level))
        begins = np.flatnonzero(np.diff(ordered // thresholds, prepend=-1))
        ranks = np.arange(len(ordered)) - np.repeat(begins, np.diff(np.append(begins, len(ordered))))
        self.squares[:] += np.bincount(thresholds - 1 - ordered % thresholds, 2.0 * ranks + 1, thresholds)

    def rates(self, arranged: PeopleInSets, confidence: float) -> tuple[Rate, ...]:
        """Return the FMR at each threshold."""
        photos, people = arranged.photos, arranged.of_set(np.ones(len(arranged.sets)))
        of_person = _from_level(self.of_person)
        squares, expected = _from_level(self.squares), _from_level(self.expected)
        trials = photos * (arranged.of_set(photos)[arranged.sets].astype(np.int64) - photos)
        counts = int(trials.sum()) // 2, int((trials > 0).sum()), int((people * (people - 1) / 2).sum())
        wide = photos.astype(np.float64) ** 2
        all_couples = float((arranged.of_set(wide) ** 2 - arranged.of_set(wide**2)).sum()) / 2  # Σ_{a<b} N_ab²
        rates = []
        for level in range(len(squares)):
            errors = int(of_person[:, level].sum()) // 2
            share = errors / counts[0]
            person_sum = float(np.square(of_person[:, level] - share * trials).sum())
            couple_sum = float(squares[level] - 2 * share * expected[level] + share**2 * all_couples)
            error = error_of_sums(person_sum, couple_sum, errors * (1 - share), people=counts[1], pairs=counts[0])
            rates.append(Rate(errors, counts[0], _interval(share, error, counts, confidence)))
        return tuple(rates)


def _from_level(sums: np.ndarray[tuple[int, ...], np.dtype[np.int64 | np.float64]]) -> DoubleArray:
    """Return for each threshold the sum over the levels that it accepts: its own and those above."""
    return np.cumsum(sums[..., ::-1], axis=-1)[..., ::-1].astype(np.float64)


def _miss_rates(misses: IntArray, pairs_of: IntArray, confidence: float) -> tuple[Rate, ...]:
    """Return the FNMR at each threshold of misses (people, T) among the genuine pairs of each person (people,)."""
    people, pairs = int((pairs_of > 0).sum()), int(pairs_of.sum())
    if not pairs:
        return ()
    rates = []
    for of_person in misses.T:
        errors = int(of_person.sum())
        share = errors / pairs
        if people < 2:
            rates.append(Rate(errors, pairs, Interval(0.0, 1.0, confidence, METHOD)))
            continue
        person_sum = float(np.square(of_person - share * pairs_of).sum())
        error = error_of_sums(person_sum, 0.0, errors * (1 - share), people=people, pairs=pairs)
        rates.append(Rate(errors, pairs, _interval(share, error, (pairs, people, people), confidence)))
    return tuple(rates)


def _capped(falling: tuple[Rate, ...]) -> tuple[Rate, ...]:
    """Return rates that can only fall, one without an error bounded by the one before it."""
    capped: list[Rate] = []
    for rate in falling:
        if capped and not rate.errors:
            high = min(rate.interval.high, capped[-1].interval.high)
            rate = replace(rate, interval=replace(rate.interval, high=high))
        capped.append(rate)
    return tuple(capped)


def _interval(share: float, error: float, counts: tuple[int, int, int], confidence: float) -> Interval:
    """Return the interval of a share with this standard error, of pairs, people and clusters."""
    pairs, people, clusters = counts
    if 0 < share < 1:
        interval = CrossedMean(share, error, None, pairs, 1, people).share_interval(confidence)
        return Interval(interval.low, interval.high, confidence, METHOD)
    low, high = wilson_ends(share, clusters, student_t_quantile((1 + confidence) / 2, people - 1))
    return Interval(low, high, confidence, METHOD)
