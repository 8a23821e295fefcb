"""How well groups of faces are the people: pairwise and BCubed precision and recall.

With n_ij faces of person j in group i, |G_i| faces in group i, |P_j| faces of person j, N faces:

    pairwise   precision = Σ_ij C(n_ij, 2) / Σ_i C(|G_i|, 2)      recall = Σ_ij C(n_ij, 2) / Σ_j C(|P_j|, 2)
    BCubed     precision = Σ_ij n_ij² / |G_i| / N                  recall = Σ_ij n_ij² / |P_j| / N

Pairwise figures weigh a person by the square of the photos, BCubed by the photos: one large group of two people costs
the former more. F is the harmonic mean of precision and recall.

Sources: Bagga & Baldwin, "Entity-based cross-document coreferencing using the vector space model", COLING-ACL 1998;
Amigó et al., "A comparison of extrinsic clustering evaluation metrics based on formal constraints", Information
Retrieval 12, 2009.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from marginface.errors import InputError
from marginface.metrics.intervals import Interval
from marginface.values import DoubleArray, IntArray

_DRAWS = 1000
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Agreement:
    """Precision, recall and their harmonic mean F, each in [0, 1]."""

    precision: float
    recall: float

    @property
    def f(self) -> float:
        """The harmonic mean; 0 if both are 0."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def to_dict(self) -> dict[str, float]:
        """Return plain values for JSON."""
        return {"precision": self.precision, "recall": self.recall, "f": self.f}


@dataclass(frozen=True, slots=True)
class ClusteringScore:
    """How well groups are the people; ``bcubed_interval`` is of BCubed F, 95 %, by resampling people.

    Where there is no pair in any group, pairwise precision is 1: nothing wrong was said. Where no person has two faces
    pairwise recall is 1.
    """

    pairwise: Agreement
    bcubed: Agreement
    bcubed_interval: Interval
    faces: int
    groups: int
    people: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "pairwise": self.pairwise.to_dict(),
            "bcubed": {**self.bcubed.to_dict(), "f_interval": self.bcubed_interval.to_list()},
            "faces": self.faces,
            "groups": self.groups,
            "people": self.people,
        }


def clustering_score(groups: IntArray, people: IntArray, *, seed: int = 0) -> ClusteringScore:
    """Return how well the group of each face (N,) agrees with the person it is of (N,).

    >>> score = clustering_score(np.array([0, 0, 0, 1]), np.array([7, 7, 8, 8]))
    >>> round(score.pairwise.precision, 2), score.pairwise.recall, round(score.bcubed.precision, 2)
    (0.33, 0.5, 0.67)
    """
    if groups.ndim != 1 or groups.shape != people.shape or not len(groups):
        raise InputError(f"a group and a person for each face, at least one; got {groups.shape} and {people.shape}")
    group, person = (np.unique(labels, return_inverse=True)[1] for labels in (groups, people))
    _, cell, shared = np.unique(np.stack([group, person]), axis=1, return_inverse=True, return_counts=True)
    together = shared[cell.reshape(-1)]  # of each face: the faces of its person in its group, itself among them
    in_group, of_person = np.bincount(group), np.bincount(person)
    precision, recall = together / in_group[group], together / of_person[person]
    return ClusteringScore(
        Agreement(_share(_pairs(shared), _pairs(in_group)), _share(_pairs(shared), _pairs(of_person))),
        Agreement(float(precision.mean()), float(recall.mean())),
        _interval(precision, recall, person, seed),
        len(groups),
        len(in_group),
        len(of_person),
    )


def _pairs(counts: IntArray) -> int:
    return int((counts * (counts - 1) // 2).sum())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _interval(precision: DoubleArray, recall: DoubleArray, person: IntArray, seed: int) -> Interval:
    """Return the interval of BCubed F when whole people are drawn, with what was said of their faces."""
    sums = np.stack([np.bincount(person, weights=values) for values in (precision, recall, np.ones(len(person)))])
    random = np.random.default_rng(seed)
    drawn = random.multinomial(sums.shape[1], np.full(sums.shape[1], 1 / sums.shape[1]), size=_DRAWS) @ sums.T
    p, r = drawn[:, 0] / drawn[:, 2], drawn[:, 1] / drawn[:, 2]
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(2 * p * r / (p + r), [tail, 1 - tail])
    return Interval(float(low), float(high), _CONFIDENCE, "bootstrap over people")
