"""Is a new face as similar to another person as a search asks for? Then one of the two would be found for the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from marginface.enrolment.searching import candidate
from marginface.errors import InputError, MarginfaceError
from marginface.gallery import Collection, NewFace
from marginface.pipeline import Calibrated
from marginface.values import Candidate

_LAXER = (1, 2, 5, 10, 20, 50)  # times the rate that was asked for, where the data does not support that one
_LARGEST_RATE = 0.5
_SHOWN = 3  # people


@dataclass
class LookalikeRule:
    """The threshold from which on another person is too similar: that of a search among so many faces.

    Attributes:
        thresholds: where it comes from.
        fpir: the rate of a search.
        remark: what was not as asked for: a laxer rate, or no threshold at all; empty if all is well.
    """

    thresholds: Calibrated
    fpir: float
    remark: str = ""

    def similarity(self, size: int) -> float | None:
        """Return the threshold for ``size`` faces; None where there is none, and then ``remark`` says why."""
        refusal: MarginfaceError | None = None
        for rate in sorted({min(self.fpir * times, _LARGEST_RATE) for times in _LAXER}):
            try:
                found = self.thresholds.identification_threshold(rate, max(size, 1)).similarity
            except MarginfaceError as error:  # CalibrationError or, of a card, InputError: no data for such a rate
                refusal = refusal or error
                continue
            if rate > self.fpir:
                self.remark = f"Look-alikes were looked for at FPIR {rate:g} instead of {self.fpir:g}: {refusal}"
            return found
        self.remark = f"Look-alikes were not looked for: {refusal}"
        return None


@dataclass
class Neighborhood:
    """The faces that are accepted in a batch before they are written, beside those of the collection."""

    people: list[str] = field(default_factory=list)
    faces: list[NewFace] = field(default_factory=list)

    def add(self, person: str, face: NewFace) -> None:
        """Count a face among the accepted ones."""
        self.people.append(person)
        self.faces.append(face)

    def near(self, person: str, face: NewFace) -> list[Candidate]:
        """Return the other people of the batch, each by the most similar face."""
        best: dict[str, float] = {}
        for other, accepted in zip(self.people, self.faces, strict=True):
            if other != person:
                likeness = float(np.dot(face.embedding.vector, accepted.embedding.vector))
                best[other] = max(likeness, best.get(other, -1.0))
        return [Candidate(other, likeness, "") for other, likeness in best.items()]

    def with_photo(self, face: NewFace) -> list[str]:
        """Return the people of the batch who have the same photo."""
        return [other for other, one in zip(self.people, self.faces, strict=True) if one.photo == face.photo]


def known_neighbors(collection: Collection, faces: Sequence[NewFace]) -> list[list[Candidate]]:
    """Return for each face the few people of a collection that are most similar to it, best first."""
    found = collection.search_many([face.embedding for face in faces], _SHOWN + 1)
    return [[candidate(one) for one in matches] for matches in found]


def lookalikes(person: str, candidates: Sequence[Candidate], threshold: float) -> tuple[Candidate, ...]:
    """Return the other people among the candidates who reach the threshold, most similar first, each once.

    >>> lookalikes("Ann", [Candidate("Ann", 0.9, "f1"), Candidate("Bob", 0.7, "f2"), Candidate("Cem", 0.2, "f3")], 0.5)
    (Candidate(person='Bob', similarity=0.7, face='f2', uid=''),)
    """
    best: dict[str, Candidate] = {}
    for one in sorted(candidates, key=lambda candidate: -candidate.similarity):
        if one.person != person and one.similarity >= threshold:
            best.setdefault(one.person, one)
    return tuple(best.values())[:_SHOWN]


def require_rate(fpir: float) -> float:
    """Return the rate if it is one; raise InputError otherwise."""
    if not 0 < fpir < 1:
        raise InputError(f"fpir is a share of searches, above 0 and below 1; got {fpir}")
    return fpir
