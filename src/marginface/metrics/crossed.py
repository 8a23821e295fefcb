r"""The mean of what several trainings decide on the same pairs, with the chance of people and of seeds in its error.

Two things are left to chance: which people are photographed, and how a training starts. They are crossed: every
training is asked about every pair. So the variance of a mean over S seeds and P pairs is

    V = V_people + V_seeds

V_people is that of the values averaged over the seeds; pairs that share a person are not independent, and are taken
together (clustered_error). V_seeds is the variance of the means of the seeds, over S; one seed has none. √V is used
with Student's t and Satterthwaite's degrees of freedom, rounded down:

    V² / (V_people²/(people − 1) + V_seeds²/(S − 1)),   at most 2(S − 1)

Sources: Clark, "The language-as-fixed-effect fallacy", J. Verbal Learning and Verbal Behavior 12 (1973), whose min F′
this is, made for people and words that are both samples; Satterthwaite, Biometrics Bulletin 2 (1946); for V_people
Aronow, Samii & Assenova, "Cluster-robust variance estimation for dyadic data", Political Analysis 23 (2015).

Two things are ours. The degrees of freedom are at most twice those of the seeds: two or three seeds that agree by luck
look like seeds that do not matter. And where all pairs have one value, the error of people is 1/P, as if one pair were
decided otherwise, so that equal decisions are not taken for certain ones.

How often a difference of nothing comes out below p = 0.05, in simulations (500 to 2,500 a case): 4 to 6 in 100 with one
seed, if other seeds are not asked for; 2 to 5 with five or ten seeds where people and seeds both matter, for what they
do together, and chance in a single decision, count twice in V. At worst, where training is nearly all the chance there
is: 9 at two seeds, 7 at three, 6 at five (7.5, 5.9 and 5.3 with normal errors). The price is power: where the people
matter most, two or three seeds find less than their numbers hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from marginface.errors import InputError
from marginface.metrics.intervals import Interval, student_t_inside, student_t_quantile, wilson_ends
from marginface.values import BoolArray, DoubleArray, IntArray

_MOST_FREEDOM = 10_000  # Student's t is normal long before


@dataclass(frozen=True, slots=True)
class CrossedMean:
    """A mean over ``seeds`` × ``pairs`` decisions, or differences of decisions, on ``people`` people.

    ``error_of_people`` and ``error_of_seeds`` are the standard errors of the two sources of chance. With one seed the
    second is None, and nothing here says anything about other seeds.
    """

    mean: float
    error_of_people: float
    error_of_seeds: float | None
    pairs: int
    seeds: int
    people: int

    @property
    def error(self) -> float:
        """Return √V, the standard error of the mean."""
        return math.hypot(self.error_of_people, self.error_of_seeds or 0.0)

    @property
    def freedom(self) -> int:
        """Return Satterthwaite's degrees of freedom, rounded down, at most 2(S − 1) with several seeds."""
        if self.error_of_seeds is None:
            return min(self.people - 1, _MOST_FREEDOM)
        parts = ((self.error_of_people, self.people - 1), (self.error_of_seeds, self.seeds - 1))
        exact = self.error**4 / sum(error**4 / freedom for error, freedom in parts)
        return max(1, min(math.floor(exact + 1e-9), 2 * (self.seeds - 1), _MOST_FREEDOM))

    @property
    def p_value(self) -> float:
        """Return the two-sided p-value of "the mean is 0"; below 0.05 where the 95 % interval leaves out 0."""
        return max(0.0, 1 - student_t_inside(abs(self.mean) / self.error, self.freedom))

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return mean ± t·√V."""
        half = student_t_quantile((1 + confidence) / 2, self.freedom) * self.error
        return Interval(self.mean - half, self.mean + half, confidence, "Student t")

    def share_interval(self, confidence: float = 0.95) -> Interval:
        """Return Wilson's interval of a mean that is a share: inside [0, 1], and right near the ends.

        The trials are as many independent ones as have the variance V, n = p(1 − p)/V, at most seeds × pairs, and z
        is Student's t. Where all decisions are one, V says nothing and every pair counts.

        Source: Fogliato, Patil & Perona, "Confidence intervals for error rates in 1:1 matching tasks", 2023,
        arXiv:2306.01198: of the intervals they try, Wilson's with the variance of dependent pairs keeps its level.
        """
        spread = self.mean * (1 - self.mean)
        trials = min(spread / self.error**2, self.seeds * self.pairs) if spread > 0 else self.pairs
        low, high = wilson_ends(self.mean, trials, student_t_quantile((1 + confidence) / 2, self.freedom))
        return Interval(low, high, confidence, "Wilson")


def crossed_mean(values: BoolArray | DoubleArray, first_identity: IntArray, second_identity: IntArray) -> CrossedMean:
    """Return the mean of values (S, P) of S trainings on P pairs, with its error; see the top of this file.

    Args:
        values: (S, P) whether each training decides each pair right, or a difference of two such.
        first_identity: (P,) who is on the first image of a pair; any integers. Where people are not known: the fold.
        second_identity: (P,) who is on the second; equal for genuine pairs.

    Raises:
        InputError: shapes do not fit, or fewer than two people.

    >>> found = crossed_mean(np.array([[True, False, True, True]] * 2), np.arange(4), np.arange(4))
    >>> found.mean, found.error_of_people, found.error_of_seeds, found.freedom
    (0.75, 0.25, 0.0, 2)
    """
    if values.ndim != 2 or not values.size:
        raise InputError(f"values are (seeds, pairs), one of each or more; got shape {values.shape}")
    numbers = values.astype(np.float64)
    seeds, pairs = numbers.shape
    of_people = clustered_error(numbers.mean(axis=0), first_identity, second_identity)
    if of_people < 0.5 / numbers.size:  # one decision that differs gives 1 / numbers.size: none does
        of_people = 1 / pairs
    of_seeds = float(numbers.mean(axis=1).std(ddof=1)) / math.sqrt(seeds) if seeds > 1 else None
    people = len(np.union1d(first_identity, second_identity))
    return CrossedMean(float(numbers.mean()), of_people, of_seeds, pairs, seeds, people)


def clustered_error(values: DoubleArray, first: IntArray, second: IntArray) -> float:
    """Return the standard error of the mean of values (P,) that are dependent where they share a person.

    V = (1/P²) Σ_{p, q share a person} e_p·e_q with e = value − mean, times n/(n − 1) for n people. In small samples the
    sum can be below the variance of independent values, which is taken then.

    Args:
        values: (P,).
        first: (P,) a person of each pair.
        second: (P,) the other one; may be the same.

    Raises:
        InputError: lengths differ, or fewer than two people.
    """
    count = len(values)
    people, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
    if len({count, len(first), len(second)}) != 1 or len(people) < 2:
        raise InputError(
            f"one value and two people for each pair, two or more people in all; got {count} values, {len(first)} and "
            f"{len(second)} people of pairs, {len(people)} different ones. Of one person nothing follows for others"
        )
    one, two = np.split(codes, 2)
    residuals = values - values.mean()
    mixed = one != two
    of_person = np.bincount(one, residuals, len(people)) + np.bincount(two[mixed], residuals[mixed], len(people))
    couples = np.minimum(one, two)[mixed] * len(people) + np.maximum(one, two)[mixed]
    of_couple = np.bincount(np.unique(couples, return_inverse=True)[1], residuals[mixed])
    sums = (float(np.square(part).sum()) for part in (of_person, of_couple, residuals))
    return error_of_sums(*sums, people=len(people), pairs=count)


def error_of_sums(of_person: float, of_couple: float, of_pair: float, *, people: int, pairs: int) -> float:
    """Return clustered_error from sums of squares of what is left of the values without their mean, e.

    Pairs p and q that share a person are those of a person less those of a couple that were counted twice:
    Σ_{p, q share a person} e_p·e_q = Σ_a (Σ e of a's pairs)² − Σ_{a<b} (Σ e of the pairs of a and b)².

    Args:
        of_person: Σ_a (…)², over people.
        of_couple: Σ_{a<b} (…)², over couples of two people.
        of_pair: Σ_p e_p².
        people: how many, two or more.
        pairs: how many.
    """
    shared = (of_person - of_couple) * people / (people - 1)
    independent = of_pair * pairs / max(pairs - 1, 1)
    return math.sqrt(max(shared, independent)) / pairs
