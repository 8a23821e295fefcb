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

import numpy as np

from marginface.errors import InputError
from marginface.metrics.intervals import Interval
from marginface.metrics.roc import require_supported_far
from marginface.values import BoolArray, DoubleArray, IntArray

_SLACK = 4.0  # the most similar impostor pairs that are kept, over those that a FAR lets in


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


def resampled_tars(
    genuine: DoubleArray,
    impostor: DoubleArray,
    people: PeopleOfPairs,
    far: float,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> DoubleArray:
    """Return the TAR at a FAR of each resample (resamples,): the people are drawn again, the threshold is set again.

    The same seed draws the same people, whatever the similarities: two models on the same pairs are compared resample
    by resample. A resample in which no genuine or no impostor pair is left (few people) is NaN.

    Args:
        genuine: (G,) similarities.
        impostor: (I,) similarities.
        people: who is on them, in the same order.
        far: the highest FAR.
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
    require_supported_far(far, len(impostor))
    hardest = _most_similar(impostor, far)
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
            threshold = _blocked(values, weight[first] * weight[second], far * total)
            accepted = of_genuine[np.searchsorted(ascending, threshold, side="right") :].sum()
            found[number] = accepted / of_genuine.sum()
    return found


def _most_similar(impostor: DoubleArray, far: float) -> IntArray:
    """Return the places of the most similar impostor pairs, falling: more than any resample should let in."""
    kept = min(len(impostor), int(_SLACK * far * len(impostor)) + 1000)
    top = np.argpartition(impostor, len(impostor) - kept)[len(impostor) - kept :]
    places: IntArray = top[np.argsort(-impostor[top], kind="stable")]
    return places


def _blocked(values: DoubleArray, weights: DoubleArray, budget: float) -> float:
    """Return the highest of falling similarities that may not be accepted, as all above it weigh as much as allowed."""
    beyond = np.cumsum(weights) > budget + 1e-9
    place = int(np.argmax(beyond)) if beyond.any() else len(values) - 1
    return float(values[place])


def tar_intervals(
    genuine: DoubleArray,
    impostor: DoubleArray,
    people: PeopleOfPairs,
    fars: Sequence[float],
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Interval, ...]:
    """Return the percentile interval of the TAR at each FAR over people, the threshold drawn with them.

    Arguments and errors are those of resampled_tars.
    """
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    intervals = []
    for far in fars:
        tars = resampled_tars(genuine, impostor, people, far, resamples=resamples, seed=seed)
        low, high = np.nanquantile(tars, ends)
        intervals.append(Interval(float(low), float(high), confidence, "bootstrap over identities"))
    return tuple(intervals)
