"""Open-set identification (1:N): searches → FPIR, TPIR, ranks; the words are those of ISO/IEC 19795-1.

A search compares a probe with every entry of a gallery. It is *mated* if the probe's person is in the gallery. Two
things can go wrong, each at a threshold t:

    FPIR(t)     share of non-mated searches that return somebody: the best similarity is ≥ t
    TPIR(t, R)  share of mated searches that return the right entry at rank ≤ R with a similarity ≥ t;
                FNIR(t, R) = 1 − TPIR(t, R)

At t = −∞ TPIR is the identification rate at rank R, whose curve over R is the CMC. FPIR grows with the gallery (about
N × FMR), so a figure belongs to the size of its gallery.

Sources: ISO/IEC 19795-1:2021; Grother, Ngan & Hanaoka, "FRVT part 2: identification", NISTIR 8271 (2019); IJB-C: Maze
et al., ICB 2018.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from marginface.errors import InputError
from marginface.metrics.bootstrap import PeopleOfPairs, tar_intervals
from marginface.metrics.intervals import Interval, mean_over_people, wilson_interval
from marginface.metrics.roc import FarRule, lowest_threshold, require_supported_far
from marginface.values import BoolArray, DoubleArray, IntArray, frozen


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """What M mated and U non-mated searches of one gallery returned.

    Attributes:
        mated: (M,) similarity of each mated probe to its own entry.
        rank: (M,) of its own entry, from 1: one more than the other entries that are at least as similar. A tie counts
            against the model. ``gallery`` + 1 where the search never came to it (a failure to acquire or to enrol): a
            miss at every rank.
        nonmated: (U,) the best similarity of each non-mated probe.
        gallery: how many entries were searched.
        mated_people: (M,) whose the mated probes are, any integers; None where nobody knows.
        nonmated_people: (U,) whose the others are.
    """

    mated: DoubleArray
    rank: IntArray
    nonmated: DoubleArray
    gallery: int
    mated_people: IntArray | None = None
    nonmated_people: IntArray | None = None

    def __post_init__(self) -> None:
        for name in ("mated", "nonmated"):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            if values.ndim != 1 or not np.isfinite(values).all():
                raise InputError(f"{name} similarities are one row of finite numbers; got shape {values.shape}")
            object.__setattr__(self, name, frozen(values))
        ranks = np.asarray(self.rank, dtype=np.int64)
        if ranks.shape != self.mated.shape or (len(ranks) and not 1 <= ranks.min() <= ranks.max() <= self.gallery + 1):
            raise InputError(
                f"one rank from 1 to {self.gallery} (the gallery), or one more for a miss, per mated search; got "
                f"{ranks.shape} for {self.mated.shape} searches"
            )
        object.__setattr__(self, "rank", frozen(ranks))
        whose = (self.mated_people, self.mated), (self.nonmated_people, self.nonmated)
        if any(people is not None and len(people) != len(values) for people, values in whose):
            raise InputError(f"one person per search is needed, of {len(self.mated)} and {len(self.nonmated)} searches")


@dataclass(frozen=True, slots=True)
class TpirAtFpir:
    """The share of mated searches answered right at a false-positive identification rate.

    ``fpir`` was asked for, ``achieved_fpir`` is what the threshold gives; ``interval`` is Wilson's over mated searches
    and takes the threshold as given.
    """

    fpir: float
    tpir: float
    threshold: float
    achieved_fpir: float
    rank: int
    mated: int
    nonmated: int
    interval: Interval
    rule: FarRule

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; a threshold above every similarity is None."""
        return {
            "fpir": self.fpir,
            "tpir": self.tpir,
            "interval": self.interval.to_list(),
            "threshold": self.threshold if np.isfinite(self.threshold) else None,
            "achieved_fpir": self.achieved_fpir,
            "rank": self.rank,
            "mated_searches": self.mated,
            "nonmated_searches": self.nonmated,
            "rule": self.rule,
        }


def identification_rate(searches: Searches, rank: int) -> float:
    """Return the share of mated searches whose own entry is among the first ``rank``: one point of the CMC."""
    _require(searches, mated=True)
    if rank < 1:
        raise InputError(f"a rank is 1 or more; got {rank}")
    return float((searches.rank <= min(rank, searches.gallery)).mean())


def cmc(searches: Searches, most: int = 50) -> DoubleArray:
    """Return the cumulative match characteristic: identification rates at rank 1 … ``most`` (cut to the gallery)."""
    _require(searches, mated=True)
    counts = np.bincount(searches.rank, minlength=searches.gallery + 2)[1:-1]  # without the misses
    curve: DoubleArray = np.cumsum(counts)[:most] / len(searches.rank)
    return curve


def tpirs_at_fpirs(
    searches: Searches,
    fpirs: Sequence[float],
    rule: FarRule = "at_most",
    *,
    rank: int = 1,
    confidence: float = 0.95,
) -> tuple[TpirAtFpir, ...]:
    """Return the TPIR at each FPIR.

    ``"at_most"`` takes the lowest threshold whose FPIR is not above the one asked for, ``"nearest"`` the nearest one
    (metrics.roc.tar_at_far). A mated search counts if its own entry is at ``rank`` or before and is accepted.

    Raises:
        InputError: an FPIR is not in (0, 1), or fewer than 1/fpir non-mated searches stand behind it.
    """
    _require(searches, mated=True)
    _require(searches, mated=False)
    for fpir in fpirs:
        require_supported_far(fpir, len(searches.nonmated), kind="non-mated searches", rate="FPIR")
    found = np.sort(searches.mated[searches.rank <= min(rank, searches.gallery)])
    nonmated = np.sort(searches.nonmated)
    return tuple(_point(searches, found, nonmated, fpir, rule, rank, confidence) for fpir in fpirs)


def _point(
    searches: Searches,
    found: DoubleArray,
    nonmated: DoubleArray,
    fpir: float,
    rule: FarRule,
    rank: int,
    confidence: float,
) -> TpirAtFpir:
    threshold = lowest_threshold(found, nonmated, fpir * len(nonmated), rule)
    hits = len(found) - int(np.searchsorted(found, threshold))
    false = len(nonmated) - int(np.searchsorted(nonmated, threshold))
    return TpirAtFpir(
        fpir=fpir,
        tpir=hits / len(searches.mated),
        threshold=threshold,
        achieved_fpir=false / len(nonmated),
        rank=rank,
        mated=len(searches.mated),
        nonmated=len(nonmated),
        interval=wilson_interval(hits, len(searches.mated), confidence),
        rule=rule,
    )


def rank_interval(searches: Searches, rank: int, *, resamples: int = 1000) -> Interval | None:
    """Return the interval of an identification rate over people: the searches of one person go in and out together.

    None where nobody knows whose the searches are. On LFW one person in 1,680 has a tenth of the mated searches.
    """
    if searches.mated_people is None:
        return None
    codes = np.unique(searches.mated_people, return_inverse=True)[1]
    found = searches.rank <= min(rank, searches.gallery)
    return mean_over_people(np.bincount(codes, found), np.bincount(codes), resamples=resamples)


def tpir_intervals(
    searches: Searches,
    fpirs: Sequence[float],
    rule: FarRule = "at_most",
    *,
    rank: int = 1,
    resamples: int = 1000,
) -> tuple[Interval, ...] | None:
    """Return the interval of the TPIR at each FPIR over people, mated and not; the threshold is drawn with them.

    It is that of a TAR (metrics.bootstrap), for searches of strangers that have one person each. The gallery is taken
    as given. None where nobody knows whose the searches are.
    """
    if searches.mated_people is None or searches.nonmated_people is None:
        return None
    codes = np.unique(np.concatenate([searches.mated_people, searches.nonmated_people]), return_inverse=True)[1]
    mated, strangers = np.split(codes.astype(np.int64), [len(searches.mated)])
    people = PeopleOfPairs(mated, strangers, np.full(len(strangers), -1))
    right = np.where(searches.rank <= min(rank, searches.gallery), searches.mated, -np.inf)
    return tar_intervals(right, searches.nonmated, people, fpirs, rule, resamples=resamples)


def fpir_of_search(fmr: float, size: int) -> float:
    """Return the FPIR of a search with ``size`` comparisons at a threshold with this FMR: 1 − (1 − FMR)^N, about N·FMR.

    It holds where false matches fall on probes at random. Where some faces are liked by more others than most are, the
    false matches of a search come together and the FPIR is lower: the mean of 1 − (1 − F)^N over the rates F of probes
    is at most that of their mean (Jensen's inequality). So a threshold made with it errs to the safe side.

    Source: Daugman, "Biometric decision landscapes", Cambridge TR 482 (2000); NISTIR 8271 has it as the binomial model.

    >>> round(fpir_of_search(1e-5, 1000), 5)
    0.00995
    """
    return -math.expm1(size * math.log1p(-fmr))


def fmr_of_search(fpir: float, size: int) -> float:
    """Return the FMR at which a search with ``size`` comparisons has this FPIR: 1 − (1 − FPIR)^(1/N).

    >>> f"{fmr_of_search(0.01, 1000):.3g}"
    '1.01e-05'
    """
    return -math.expm1(math.log1p(-fpir) / size)


def size_of_search(fpir: float, fmr: float) -> int:
    """Return the most comparisons in a search that keep an FPIR at a threshold with this FMR.

    >>> size_of_search(0.01, 1e-5)
    1005

    Raises:
        InputError: a rate is not between 0 and 1.
    """
    for name, rate in (("FPIR", fpir), ("FMR", fmr)):
        if not 0 < rate < 1:
            raise InputError(f"an {name} is a rate between 0 and 1, as 0.01; got {rate}")
    return math.floor(math.log1p(-fpir) / math.log1p(-fmr) * (1 + 1e-12))


def search_results(similarities: DoubleArray, own: IntArray) -> tuple[DoubleArray, IntArray, BoolArray]:
    """Return what a block of searches found: the deciding similarity, the rank of the own entry, and who is mated.

    Args:
        similarities: (P, N) of P probes to N entries.
        own: (P,) the entry of each probe's person, −1 where there is none.

    Returns:
        (P,) the similarity to the own entry of a mated probe, the best one of another; (P,) the rank of the own entry,
        0 of others; (P,) whether mated.
    """
    mated = own >= 0
    rows = np.arange(len(own))
    own_similarity = similarities[rows, np.maximum(own, 0)]
    decisive = np.where(mated, own_similarity, similarities.max(axis=1))
    rank = (similarities >= own_similarity[:, None]).sum(axis=1)
    return decisive, np.where(mated, rank, 0), mated


def _require(searches: Searches, *, mated: bool) -> None:
    if len(searches.mated if mated else searches.nonmated) == 0:
        kind = "mated searches (the probe's person is in the gallery)" if mated else "non-mated searches"
        raise InputError(f"{kind} are needed for this figure; there are none")
