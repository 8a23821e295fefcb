"""The chance in a point of the ROC, threshold included, by drawing the people again.

TAR at a FAR is uncertain twice: which people the genuine pairs are of, and where the impostor pairs put the threshold.
Both are drawn here. Each resample gives every person a weight w (how often it was drawn); a genuine pair counts w
times, an impostor pair of persons a and b counts w_a·w_b times, and the threshold is set anew on the weighted impostor
pairs. Of these only the most similar are looked at one by one; the weight of all is wᵀ·N·w, with N the numbers of pairs
between two people, so that 15 million pairs take seconds.

Sources: the vertex bootstrap of Snijders & Borgatti, "Non-parametric standard errors and tests for network statistics",
Connections 22 (1999); for 1:1 face matching Fogliato et al., 2023, arXiv:2306.01198.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from marginface.errors import InputError
from marginface.metrics.intervals import Interval, percentile_interval
from marginface.metrics.roc import FarRule, require_supported_far
from marginface.values import BoolArray, DoubleArray, IntArray

_SLACK = 4.0  # the most similar impostor pairs that are kept, over those that a FAR lets in


class PairedPeople(Protocol):
    """Who is on the pairs of a protocol, as the bootstrap asks it; people are numbers from 0.

    ``first`` and ``second`` are of the impostor pairs that are looked at, which may be the most similar alone;
    ``impostor_pairs`` says how many there are in all.
    """

    @property
    def genuine(self) -> IntArray:
        """Return the person of each genuine pair (G,)."""
        ...

    @property
    def first(self) -> IntArray:
        """Return a person of each impostor pair (K,)."""
        ...

    @property
    def second(self) -> IntArray:
        """Return the other one (K,); −1 where it is not known."""
        ...

    @property
    def count(self) -> int:
        """Return how many people there are."""
        ...

    @property
    def impostor_pairs(self) -> int:
        """Return how many impostor pairs there are."""
        ...

    def impostor_weight(self, weight: DoubleArray) -> float:
        """Return the weight of all impostor pairs; weight (people + 1,) ends with 1, for who is not known."""
        ...


@dataclass(frozen=True, eq=False)
class PeopleOfPairs:
    """Who is on the pairs of a protocol: people as numbers from 0.

    Attributes:
        genuine: (G,) the person of each genuine pair.
        first: (I,) a person of each impostor pair.
        second: (I,) the other one; −1 where it is not known, and then counts as always there.
    """

    genuine: IntArray
    first: IntArray
    second: IntArray

    @staticmethod
    def of(first: IntArray, second: IntArray, genuine: BoolArray) -> PeopleOfPairs:
        """Return the people of pairs (P,) whose identities are any integers.

        Raises:
            InputError: a genuine pair has two people, or an impostor pair one.
        """
        people, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
        one, two = np.split(codes.astype(np.int64), 2)
        wrong = np.flatnonzero((one == two) != genuine)
        if len(wrong):
            at = int(wrong[0])
            kind = "genuine" if genuine[at] else "impostor"
            raise InputError(
                f"pair {at} is {kind} and its people are {people[one[at]]} and {people[two[at]]}; a genuine pair is of "
                "one person, an impostor pair of two"
            )
        return PeopleOfPairs(one[genuine], one[~genuine], two[~genuine])

    @property
    def count(self) -> int:
        """Return how many people there are."""
        return 1 + max(int(part.max(initial=-1)) for part in (self.genuine, self.first, self.second))

    @property
    def impostor_pairs(self) -> int:
        """Return how many impostor pairs there are."""
        return len(self.first)

    @cached_property
    def couples(self) -> tuple[IntArray, IntArray, DoubleArray]:
        """Return N in its places: person a, person b, how many impostor pairs are of the two."""
        width = self.count + 1
        codes, numbers = np.unique(self.first * width + self.second + 1, return_counts=True)
        return codes // width, codes % width - 1, numbers.astype(np.float64)

    def impostor_weight(self, weight: DoubleArray) -> float:
        """Return the weight of all impostor pairs, wᵀ·N·w; weight (people + 1,) ends with 1, for who is not known."""
        first, second, numbers = self.couples
        return float(np.einsum("c,c,c->", weight[first], weight[second], numbers))


@dataclass(frozen=True, eq=False)
class PeopleOfAllPairs:
    """Who is on all pairs of photos, of one set or between two; no pair is listed but the most similar impostor ones.

    The weight of all is w_a·w_b·n_a·m_b over two people: in the middle of one set each of n photos with each other
    (m is n), else of the n of one side with the m of the other.

    Attributes:
        genuine: (G,) the person of each genuine pair.
        first: (K,) a person of each of the most similar impostor pairs.
        second: (K,) the other one; −1 where it is not known.
        photos: (people + 1,) n, of the first side; the last is of photos whose person is not known.
        others: (people + 1,) m, of the second side; None: of one set.
    """

    genuine: IntArray
    first: IntArray
    second: IntArray
    photos: IntArray
    others: IntArray | None = None

    @property
    def count(self) -> int:
        """Return how many people there are."""
        return len(self.photos) - 1

    @property
    def impostor_pairs(self) -> int:
        """Return how many impostor pairs there are."""
        return round(self.impostor_weight(np.ones(len(self.photos))))

    def impostor_weight(self, weight: DoubleArray) -> float:
        """Return the weight of all impostor pairs; photos of unknown people are of a person each, and of no other."""
        n = weight * self.photos
        known = n[:-1]
        if self.others is None:
            return float((n.sum() ** 2 - np.square(known).sum() - n[-1]) / 2)
        m = weight * self.others
        return float(n.sum() * m.sum() - known @ m[:-1])


def resampled_tars(
    genuine: DoubleArray,
    impostor: DoubleArray,
    people: PairedPeople,
    far: float,
    rule: FarRule = "at_most",
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> DoubleArray:
    """Return the TAR at a FAR of each resample (resamples,): the people are drawn again, the threshold is set again.

    The same seed draws the same people, whatever the similarities: two models on the same pairs are compared resample
    by resample. A resample in which no genuine or no impostor pair is left (few people) is NaN.

    Args:
        genuine: (G,) similarities.
        impostor: (I,) similarities; the most similar are enough where ``people`` knows how many there are.
        people: who is on them, in the same order.
        far: the highest FAR, or that to be near to.
        rule: of the threshold, that of roc.tar_at_far.
        resamples: how many.
        seed: of the draws.

    Raises:
        InputError: lengths do not fit, or the impostor pairs do not support the FAR.
    """
    if len(genuine) != len(people.genuine) or len(impostor) != len(people.first):
        raise InputError(
            f"people of {len(people.genuine):,} genuine and {len(people.first):,} impostor pairs do not fit "
            f"{len(genuine):,} and {len(impostor):,} similarities"
        )
    require_supported_far(far, people.impostor_pairs)
    hardest = _most_similar(impostor, kept_for_resamples(far, people.impostor_pairs))
    values, first, second = impostor[hardest], people.first[hardest], people.second[hardest]
    order = np.argsort(genuine, kind="stable")
    ascending, owner = genuine[order], people.genuine[order]
    rng, count = np.random.default_rng(seed), people.count
    found = np.full(resamples, np.nan)
    for number in range(resamples):
        weight = np.append(rng.multinomial(count, np.full(count, 1 / count)), 1).astype(np.float64)
        total = people.impostor_weight(weight)
        of_genuine = weight[owner]
        if total and of_genuine.any():
            threshold = _blocked(values, weight[first] * weight[second], far * total, rule)
            accepted = of_genuine[np.searchsorted(ascending, threshold, side="right") :].sum()
            found[number] = accepted / of_genuine.sum()
    return found


def kept_for_resamples(far: float, impostor_pairs: int) -> int:
    """Return how many of the most similar impostor pairs are enough: more than any resample should let in."""
    return min(impostor_pairs, int(_SLACK * far * impostor_pairs) + 1000)


def _most_similar(impostor: DoubleArray, most: int) -> IntArray:
    """Return the places of the most similar impostor pairs, falling."""
    kept = min(len(impostor), most)
    top = np.argpartition(impostor, len(impostor) - kept)[len(impostor) - kept :]
    places: IntArray = top[np.argsort(-impostor[top], kind="stable")]
    return places


def _blocked(values: DoubleArray, weights: DoubleArray, budget: float, rule: FarRule) -> float:
    """Return the highest of falling similarities that may not be accepted, as all above it weigh as much as allowed."""
    upto = np.cumsum(weights)
    beyond = upto > budget + 1e-9
    place = int(np.argmax(beyond)) if beyond.any() else len(values) - 1
    if rule == "at_most" or not beyond.any():
        return float(values[place])
    above, below = (int(np.searchsorted(-values, -values[place], side=side)) for side in ("left", "right"))
    fewer, more = float(upto[above - 1]) if above else 0.0, float(upto[below - 1])
    if abs(more - budget) > abs(fewer - budget) + 1e-9:
        return float(values[place])
    return float(values[below]) if below < len(values) else -np.inf


def tar_intervals(
    genuine: DoubleArray,
    impostor: DoubleArray,
    people: PairedPeople,
    fars: Sequence[float],
    rule: FarRule = "at_most",
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Interval, ...]:
    """Return the percentile interval of the TAR at each FAR over people, the threshold drawn with them.

    Arguments and errors are those of resampled_tars.
    """
    count = len(np.unique(people.genuine))
    tars = (resampled_tars(genuine, impostor, people, far, rule, resamples=resamples, seed=seed) for far in fars)
    return tuple(percentile_interval(found, count, confidence) for found in tars)
