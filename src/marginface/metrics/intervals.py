"""How sure a measured rate is: Wilson over pairs, Student t over folds or seeds, bootstrap over identities."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np

from marginface.errors import InputError
from marginface.values import BoolArray, DoubleArray, IntArray

RULE_OF_THREE = 3.0  # −ln 0.05, rounded
_BLOCK = 64  # bootstrap resamples drawn at once: 64 × 7,000 pairs of float64 are 3.6 MB
_MANY = 200  # degrees of freedom: from here on four terms of the expansion give eight digits
_WEIGHTS = 1 << 22  # of pairs, drawn at once: 34 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval: low ≤ value ≤ high, the confidence in (0, 1) and how it was made."""

    low: float
    high: float
    confidence: float
    method: str

    def to_list(self) -> list[float]:
        """Return [low, high]."""
        return [self.low, self.high]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of errors and the interval it lies in; which one, the interval's method says."""

    errors: int
    trials: int
    interval: Interval

    @property
    def share(self) -> float:
        """Return errors over trials."""
        return self.errors / self.trials

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "rate": self.share,
            "errors": self.errors,
            "trials": self.trials,
            "interval": self.interval.to_list(),
        }


def smallest_rate(trials: int) -> float:
    """Return the rate that can be shown at best: no error in n independent trials bounds it below 3/n at 95 %.

    Source: the rule of three, Hanley & Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249
    (1983); ISO/IEC 19795-1.

    >>> smallest_rate(3_000)
    0.001
    """
    return RULE_OF_THREE / trials


def trials_needed(rate: float) -> int:
    """Return how many independent trials it takes to show a rate at best, 3/rate rounded up; see smallest_rate.

    >>> trials_needed(1e-6)
    3000000
    """
    return math.ceil(RULE_OF_THREE / rate * (1 - 1e-12))


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InputError(f"confidence is a share between 0 and 1, such as 0.95; got {confidence!r}")


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval of a share of independent trials.

    (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n). It stays inside [0, 1] and is right near 0 and 1, where p ± z·σ
    is not. Pairs that share a photo or a person are not independent: the true interval is wider (identity_bootstrap).

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

    >>> interval = wilson_interval(5966, 6000)
    >>> f"{interval.low:.4f} {interval.high:.4f}"
    '0.9921 0.9959'
    """
    _check_confidence(confidence)
    if not 0 <= successes <= trials or trials == 0:
        raise InputError(f"0 ≤ successes ≤ trials and trials ≥ 1 are needed; got {successes} of {trials}")
    low, high = wilson_ends(successes / trials, trials, NormalDist().inv_cdf((1 + confidence) / 2))
    return Interval(low, high, confidence, "Wilson")


def wilson_ends(share: float, trials: float, quantile: float) -> tuple[float, float]:
    """Return the ends of Wilson's interval of a share; trials may be an effective number, quantile a Student's t."""
    z2 = quantile**2
    center = share + z2 / (2 * trials)
    half = math.sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials**2)))
    low, high = ((center + sign * half) / (1 + z2 / trials) for sign in (-1, 1))
    return 0.0 if share == 0 else low, 1.0 if share == 1 else high


def student_t_interval(values: Sequence[float] | DoubleArray, confidence: float = 0.95) -> Interval:
    """Return mean ± t·s/√n of a few independent values, such as the accuracies of folds or of seeds.

    Folds share their training pairs, so over folds the interval is approximate; over seeds it is the usual one.
    """
    _check_confidence(confidence)
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or len(sample) < 2 or not np.isfinite(sample).all():
        raise InputError(f"a t-interval needs 2 or more finite values; got shape {sample.shape}")
    half = student_t_quantile((1 + confidence) / 2, len(sample) - 1) * sample.std(ddof=1) / math.sqrt(len(sample))
    return Interval(float(sample.mean() - half), float(sample.mean() + half), confidence, "Student t")


def student_t_inside(t: float, freedom: int) -> float:
    """Return P(|T| ≤ t): the finite sums of Abramowitz & Stegun 26.7.3 (odd) and 26.7.4 (even degrees of freedom)."""
    angle = math.atan(t / math.sqrt(freedom))
    odd = freedom % 2
    term = total = math.cos(angle) if odd else 1.0
    for k in range(2 if odd else 1, freedom - 1, 2):
        term *= k / (k + 1) * math.cos(angle) ** 2
        total += term
    if not odd:
        return math.sin(angle) * total
    return 2 / math.pi * (angle + (math.sin(angle) * total if freedom > 1 else 0.0))


@lru_cache(maxsize=256)
def student_t_quantile(probability: float, freedom: int) -> float:
    """Return the t with P(T ≤ t) = probability, for probabilities above ½.

    >>> round(student_t_quantile(0.975, 9), 3)
    2.262
    """
    if not 0.5 < probability < 1:
        raise InputError(f"a quantile is asked for at a probability above ½ and below 1; got {probability!r}")
    if freedom > _MANY:
        return _many_t_quantile(NormalDist().inv_cdf(probability), freedom)
    low, high = 0.0, 1.0
    while (1 + student_t_inside(high, freedom)) / 2 < probability:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        below = (1 + student_t_inside(middle, freedom)) / 2 < probability
        low, high = (middle, high) if below else (low, middle)
    return high


def _many_t_quantile(z: float, freedom: int) -> float:
    """Return Student's quantile from the normal one: the expansion of Abramowitz & Stegun 26.7.5."""
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return math.fsum([z, *(term / float(freedom) ** power for power, term in enumerate(terms, start=1))])


def identity_bootstrap(
    correct: BoolArray,
    first_identity: IntArray,
    second_identity: IntArray,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return the percentile interval of the share of correct pairs when the identities are drawn again.

    Identities are drawn with replacement; a pair counts as often as its identity was drawn, an impostor pair as often
    as the product of its two. Pairs of one person go in and out together, which a Wilson interval does not know.

    Source: the vertex bootstrap of Snijders & Borgatti (1999); for 1:1 face matching Fogliato et al., "Confidence
    intervals for error rates in 1:1 matching tasks", 2023, arXiv:2306.01198.
    ``correct``, ``first_identity`` and ``second_identity`` are (P,); identities are any integers.
    """
    _check_confidence(confidence)
    lengths = {len(correct), len(first_identity), len(second_identity)}
    if len(lengths) != 1 or 0 in lengths:
        raise InputError(f"one outcome and two identities per pair are needed; got lengths {sorted(lengths)}")
    draw = _identity_weights(first_identity, second_identity, np.random.default_rng(seed))
    shares: list[DoubleArray] = []
    block = max(1, min(_BLOCK, _WEIGHTS // len(correct)))
    for start in range(0, resamples, block):
        weights = draw(min(block, resamples - start))
        totals = weights.sum(axis=1)
        shares.append((weights @ correct.astype(np.float64))[totals > 0] / totals[totals > 0])
    people = len(np.union1d(first_identity, second_identity))
    return percentile_interval(np.concatenate(shares), min(people, len(correct)), confidence)


def percentile_interval(resampled: DoubleArray, people: int, confidence: float = 0.95) -> Interval:
    """Return the interval of a share between the quantiles of its resamples, which are over so many people.

    Where all resamples are one value, as without an error (every resample of no error has none), they say nothing about
    other people: the interval is then Wilson's, each person one trial. NaN, a resample without a trial, is left out.

    >>> percentile_interval(np.ones(1000), people=100)
    Interval(low=0.963..., high=1.0, confidence=0.95, method='bootstrap over identities')
    """
    _check_confidence(confidence)
    found = resampled[np.isfinite(resampled)]
    if not len(found) or people < 1:
        raise InputError(f"resamples and people are needed; got {len(found)} resamples of {people} people")
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    if low == high:
        low, high = wilson_ends(float(low), people, NormalDist().inv_cdf((1 + confidence) / 2))
    return Interval(float(low), float(high), confidence, "bootstrap over identities")


def _identity_weights(first: IntArray, second: IntArray, rng: np.random.Generator) -> Callable[[int], DoubleArray]:
    """Return a function that draws (n, P) weights of the pairs."""
    identities, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
    a, b = np.split(codes, 2)
    count = len(identities)

    def draw(n: int) -> DoubleArray:
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=n).astype(np.float64)
        return np.where(a == b, drawn[:, a], drawn[:, a] * drawn[:, b])

    return draw


def mean_over_people(
    sums: DoubleArray | IntArray,
    trials: IntArray,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return the percentile interval of a mean over trials when the people whose trials they are are drawn again.

    As identity_bootstrap, where a trial is of one person, from the sums of each: searches, precisions. Memory is for
    people and not for trials. A resample without a trial is left out.

    Args:
        sums: (K,) of each person's trials.
        trials: (K,) how many each person has.
        resamples: how many.
        confidence: of the interval.
        seed: of the draws.

    Raises:
        InputError: lengths differ, or there is no trial.
    """
    _check_confidence(confidence)
    if len(sums) != len(trials) or not trials.sum():
        raise InputError(f"a sum and a number of trials per person are needed; got {len(sums)} and {len(trials)}")
    rng, count = np.random.default_rng(seed), len(trials)
    means: list[float] = []
    for _ in range(resamples):
        drawn = rng.multinomial(count, np.full(count, 1 / count))
        if total := int(drawn @ trials):
            means.append(float(drawn @ sums) / total)
    return percentile_interval(np.array(means), int((trials > 0).sum()), confidence)
