"""Embeddings of people's photos → a calibration, from all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from marginface.errors import CalibrationError
from marginface.matching.calibration.table import SAME_RATE, Calibration, CalibrationData, Making, Rung
from marginface.metrics import (
    ErrorRates,
    SimilarityCounts,
    count_similarities,
    error_rates,
    similarity_of,
    smallest_rate,
    trials_needed,
)
from marginface.metrics.all_pairs import TOP
from marginface.values import FloatArray, IntArray

_DECADES = range(1, 16)
_LARGEST = 0.1


@dataclass(frozen=True, slots=True)
class Origin:
    """What a calibration says about its embeddings.

    Attributes:
        contract: The id of their contract.
        model: Its name.
        description: Whose photos, in words.
        failures_to_acquire: Photos that gave no embedding.
        made: When and how.
    """

    contract: str
    model: str
    description: str
    failures_to_acquire: int
    made: Making


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A calibration, and the counted similarities it was read from."""

    calibration: Calibration
    counts: SimilarityCounts


def ladder(impostor_pairs: int) -> tuple[float, ...]:
    """Return the false-match rates that so many pairs support: 0.1, 0.05, 0.02, 0.01 …, and last 3/pairs itself.

    >>> ladder(3_500)
    (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0008571428571428571)
    """
    smallest = smallest_rate(impostor_pairs)
    rates = [float(f"{digit}e-{decade + (digit > 1)}") for decade in _DECADES for digit in (1, 5, 2)]
    supported = [rate for rate in rates if rate * SAME_RATE >= smallest]
    if smallest < _LARGEST and smallest * SAME_RATE < supported[-1]:
        supported.append(smallest)
    return tuple(supported)


def calibrate(embeddings: FloatArray, people: IntArray, origin: Origin, sets: IntArray | None = None) -> Fitted:
    """Compare every two photos and return the threshold of each rate of the ladder, with its errors and bounds.

    Two passes over all pairs, in blocks: one counts similarities, one counts the errors of people at the thresholds.

    Args:
        embeddings: Unit rows (N, D) of one contract.
        people: (N,) whose photos they are; any integers.
        origin: What the calibration says about them.
        sets: (N,) photos of two sets are no pair; see metrics.all_pairs. A person in two sets is two people here.

    Raises:
        InputError: Shapes do not fit, or no set has photos of two people.
        CalibrationError: Too few impostor pairs, or nearly equal photos under several names.
    """
    counts = count_similarities(embeddings, people, sets)
    steps = _ladder_steps(counts)
    rates = error_rates(embeddings, people, list(steps.values()), sets)
    data = CalibrationData(
        description=origin.description,
        people=_count_people(people, sets),
        photos=len(people),
        failures_to_acquire=origin.failures_to_acquire,
        genuine_pairs=counts.genuine_pairs,
        impostor_pairs=counts.impostor_pairs,
    )
    calibration = Calibration(
        contract=origin.contract,
        model=origin.model,
        thresholds=_rungs(counts, steps, rates),
        data=data,
        made=origin.made,
    )
    return Fitted(calibration, counts)


def _count_people(people: IntArray, sets: IntArray | None) -> int:
    """Return how many people there are, one in two sets twice."""
    return len(np.unique(people) if sets is None else np.unique(np.stack([sets, people]), axis=1).T)


def _ladder_steps(counts: SimilarityCounts) -> dict[float, int]:
    """Return the step of each rate, falling rates; those that only a similarity above 1 would keep are left out."""
    pairs = counts.impostor_pairs
    supported = ladder(pairs)
    if not supported:
        raise CalibrationError(
            f"{pairs:,} impostor pairs are too few for any threshold: {trials_needed(_LARGEST)} are the least, for FMR "
            f"{_LARGEST:g}, and {trials_needed(1e-3):,} for FMR 0.001. An impostor pair is any two photos of two people"
        )
    steps = {fmr: counts.step_at(fmr) for fmr in supported}
    kept = {fmr: step for fmr, step in steps.items() if step <= TOP}
    if not kept:
        raise CalibrationError(
            "more than a tenth of the impostor pairs have similarity 1: the same photos lie under several names. "
            "marginface data audit CROPS finds them"
        )
    return kept


def _rungs(counts: SimilarityCounts, steps: dict[float, int], rates: ErrorRates) -> tuple[Rung, ...]:
    """Return the rungs, falling rates; ``rates`` are in the order of rising steps, which is the same."""
    lifts = [*(_lift(counts, *two) for two in pairwise(steps.items())), 0.0]
    refusals = rates.fnmr or (None,) * len(steps)
    return tuple(
        Rung(
            fmr=fmr,
            similarity=similarity_of(step),
            lift=lift,
            false_matches=matched.errors,
            fmr_low=matched.interval.low,
            fmr_high=matched.interval.high,
            false_non_matches=None if refused is None else refused.errors,
            fnmr_low=None if refused is None else refused.interval.low,
            fnmr_high=None if refused is None else refused.interval.high,
        )
        for (fmr, step), lift, matched, refused in zip(steps.items(), lifts, rates.fmr, refusals, strict=True)
    )


def _lift(counts: SimilarityCounts, laxer: tuple[float, int], stricter: tuple[float, int]) -> float:
    """Return how far the line over log FMR from one rung (rate, step) to the next lies below the data's thresholds.

    A rate just below that of step t − 1 needs the threshold t; so the line is looked at there, for every t between.
    """
    (high, first), (low, last) = laxer, stricter
    needed = np.arange(first + 1, last + 1)
    rates = np.clip(counts.false_matches[needed - 1] / counts.impostor_pairs, low, high)
    line = first + np.log(high / rates) / np.log(high / low) * (last - first)
    return float(np.ceil(np.max(needed - line, initial=0.0))) / (TOP // 2)
