"""Open-set identification (1:N): probes searched in a gallery, in blocks; the words are in metrics.identification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from marginface.data.identification.ijb import Enrolled
from marginface.errors import InputError
from marginface.evaluation.scoring.distances import Compare, cosines
from marginface.evaluation.scoring.scores import tar_values
from marginface.metrics import (
    Interval,
    Searches,
    TpirAtFpir,
    cmc,
    identification_rate,
    rank_interval,
    search_results,
    supports_far,
    tpir_intervals,
    tpirs_at_fpirs,
    wilson_interval,
)
from marginface.metrics.roc import FarRule
from marginface.values import FloatArray, IntArray

FPIRS = (0.01, 0.1)
RANKS = (1, 5, 10)
_PROBES = 1024  # searched at once: 1,024 × 3,531 float64 are 29 MB


def search(
    gallery: FloatArray,
    gallery_subjects: IntArray,
    probes: FloatArray,
    probe_subjects: IntArray,
    compare: Compare = cosines,
) -> Searches:
    """Search probes (P, D) in a gallery (N, D) of one entry a subject; unit rows.

    ``compare`` says how alike they are; see evaluation.scoring.distances.

    Raises:
        InputError: a subject is in the gallery twice.
    """
    own = _own_entries(gallery_subjects, probe_subjects)
    decisive, rank = np.empty(len(probes)), np.empty(len(probes), dtype=np.int64)
    for start in range(0, len(probes), _PROBES):
        part = slice(start, start + _PROBES)
        found = search_results(compare(probes[part], gallery), own[part])
        decisive[part], rank[part] = found[:2]
    mated = own >= 0
    people = probe_subjects[mated], probe_subjects[~mated]
    return Searches(decisive[mated], rank[mated], decisive[~mated], len(gallery), *people)


def _own_entries(gallery_subjects: IntArray, probe_subjects: IntArray) -> IntArray:
    """Return the gallery entry of each probe's subject (P,), −1 of strangers."""
    order = np.argsort(gallery_subjects, kind="stable")
    rising = gallery_subjects[order]
    twice = rising[1:][rising[1:] == rising[:-1]]
    if len(twice):
        raise InputError(f"a gallery has one entry for each subject; subject {twice[0]} has several: pool them first")
    at = np.searchsorted(rising, probe_subjects).clip(max=len(rising) - 1)
    own: IntArray = np.where(rising[at] == probe_subjects, order[at], -1)
    return own


@dataclass(frozen=True, slots=True, eq=False)
class GalleryScores:
    """1:N of one gallery; ``intervals`` are of each TPIR over people, None where nobody knows who is searched."""

    name: str
    searches: Searches
    tpir_at_fpir: tuple[TpirAtFpir, ...]
    intervals: tuple[Interval, ...] | None

    def ranks(self) -> dict[int, tuple[float, Interval]]:
        """Return the identification rate at rank 1, 5 and 10, and Wilson's interval over the mated searches."""
        count = len(self.searches.rank)
        rates = {rank: identification_rate(self.searches, rank) for rank in RANKS if rank <= self.searches.gallery}
        return {rank: (rate, wilson_interval(round(rate * count), count)) for rank, rate in rates.items()}

    def over_people(self) -> dict[int, Interval]:
        """Return the interval over people of each of these rates; empty where nobody knows who is searched."""
        found = {rank: rank_interval(self.searches, rank) for rank in RANKS if rank <= self.searches.gallery}
        return {rank: interval for rank, interval in found.items() if interval is not None}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; intervals over people are there where it is known who is searched."""
        ranks, over_people = self.ranks(), self.over_people()
        known = {"identification_interval_identities": {str(k): one.to_list() for k, one in over_people.items()}}
        return {
            "gallery": self.name,
            "entries": self.searches.gallery,
            "identification_rate": {str(rank): rate for rank, (rate, _) in ranks.items()},
            "identification_interval": {str(rank): interval.to_list() for rank, (_, interval) in ranks.items()},
            **(known if over_people else {}),
            "tpir_at_fpir": tar_values(self.tpir_at_fpir, self.intervals),
            "cmc": [float(share) for share in cmc(self.searches)],
        }


def score_gallery(
    embeddings: FloatArray, gallery: Enrolled, probes: Enrolled, *, rule: FarRule = "at_most"
) -> GalleryScores:
    """Search the probes in one gallery of templates (T, D): TPIR at the FPIRs 0.01 and 0.1 that they support."""
    searches = search(embeddings[gallery.templates], gallery.subjects, embeddings[probes.templates], probes.subjects)
    return score_searches(gallery.name, searches, rule)


def score_searches(name: str, searches: Searches, rule: FarRule = "at_most") -> GalleryScores:
    """Return the TPIRs of searches, with their intervals over people."""
    fpirs = [fpir for fpir in FPIRS if supports_far(len(searches.nonmated), fpir)]
    points = tpirs_at_fpirs(searches, fpirs, rule)
    return GalleryScores(name, searches, points, tpir_intervals(searches, fpirs, rule))


def mean_of_galleries(galleries: Sequence[GalleryScores]) -> dict[str, float]:
    """Return the mean over galleries of every rate that all have, as the tables print them; empty without galleries."""
    rates = [
        {f"rank {rank}": rate for rank, (rate, _) in one.ranks().items()}
        | {f"TPIR at FPIR {point.fpir:g}": point.tpir for point in one.tpir_at_fpir}
        for one in galleries
    ]
    common = [name for name in rates[0] if all(name in one for one in rates)] if rates else []
    return {name: float(np.mean([one[name] for one in rates])) for name in common}
