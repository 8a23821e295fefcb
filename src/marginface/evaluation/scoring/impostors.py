"""TAR at FAR where impostor pairs are too many to keep: the most similar of them decide, the others are counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marginface.errors import InputError
from marginface.evaluation.scoring.scores import NO_FACE
from marginface.metrics import Interval, TarAtFar, supports_far, tar_intervals, tars_at_fars
from marginface.metrics.bootstrap import PairedPeople, kept_for_resamples
from marginface.metrics.hardest_pairs import HardestPairs
from marginface.metrics.roc import FarRule, most_looked_at, require_supported_far
from marginface.values import DoubleArray

ALL_FARS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
MOST_KEPT = 20_000_000  # pairs: 0.5 GB
_MOST_UNASKED = 1_000_000  # pairs: their 200 resamples take two seconds


def fars_of(impostor_pairs: int, asked: Sequence[float] | None) -> list[float]:
    """Return the FARs that are asked for, or of 1e-2 … 1e-6 those that the pairs support and that cost little.

    Raises:
        InputError: a FAR that is asked for is not supported, or looks at more pairs than are kept.
    """
    if asked is None:
        supported = [far for far in ALL_FARS if supports_far(impostor_pairs, far)]
        return [far for far in supported if _needed(far, impostor_pairs) <= _MOST_UNASKED]
    for far in asked:
        require_supported_far(far, impostor_pairs)
        if (needed := _needed(far, impostor_pairs)) > MOST_KEPT:
            raise InputError(
                f"FAR {far:g} of {impostor_pairs:,} impostor pairs looks at the {needed:,} most similar; at most "
                f"{MOST_KEPT:,} are kept. Give a FAR of {MOST_KEPT / (5 * impostor_pairs):.0e} or less, or fewer photos"
            )
    return list(asked)


def pairs_to_keep(impostor_pairs: int, fars: Sequence[float]) -> int:
    """Return how many of the most similar impostor pairs these FARs and their intervals look at; 1 or more."""
    return max((_needed(far, impostor_pairs) for far in fars), default=1)


def _needed(far: float, impostor_pairs: int) -> int:
    return min(impostor_pairs, max(kept_for_resamples(far, impostor_pairs), most_looked_at(far, impostor_pairs)))


def with_lost(hardest: HardestPairs, count: int) -> HardestPairs:
    """Return ``count`` pairs: where fewer have two faces, the others have similarity −1, and photos of number −1."""
    lost = count - len(hardest.similarities)
    if lost <= 0:
        return hardest
    nobody = np.full(lost, -1, dtype=np.int64)
    return HardestPairs(
        np.concatenate([hardest.first, nobody]),
        np.concatenate([hardest.second, nobody]),
        np.concatenate([hardest.similarities, np.full(lost, NO_FACE)]),
    )


def tars_of(
    genuine: DoubleArray,
    hardest: HardestPairs,
    people: PairedPeople,
    fars: Sequence[float],
    rule: FarRule,
    resamples: int = 200,
) -> tuple[tuple[TarAtFar, ...], tuple[Interval, ...]]:
    """Return TAR at each FAR and its interval over people; ``people`` knows how many impostor pairs there are."""
    if not fars:
        return (), ()
    impostor, total = hardest.similarities, people.impostor_pairs
    points = tars_at_fars(genuine, impostor, fars, rule, impostor_pairs=total)
    return points, tar_intervals(genuine, impostor, people, fars, rule, resamples=resamples)
