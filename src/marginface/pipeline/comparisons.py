"""Comparisons: the faces of many photos, each with each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from marginface.pipeline.photos import EmbeddedFace, EmbeddedPhoto
from marginface.pipeline.rules import Rule
from marginface.reasons import Remark
from marginface.similarity import l2_normalize
from marginface.values import Decision, DoubleArray, frozen
from marginface.words import about, decimal, plurals


@dataclass(frozen=True, slots=True)
class ComparedFace:
    """A row of the table: which face of which photo, both counted from 1."""

    photo: str
    photo_number: int
    face_number: int
    used: EmbeddedFace

    @property
    def name(self) -> str:
        """The photo, and the number of the face in it where that is not the first."""
        return self.photo if self.face_number == 1 else f"{self.photo} #{self.face_number}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two faces of the table."""

    first: ComparedFace
    second: ComparedFace
    similarity: float
    decision: Decision


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """The faces of photos, each compared with each: ``bool()`` is true if any two are the same person.

    Attributes:
        photos: what came of each photo.
        faces: F rows: the faces of all photos, photo by photo.
        similarities: (F, F) float64, symmetric, 1 on the diagonal.
        rule: the thresholds.
        contract: the id of what the embeddings were made with.
        remarks: what is to be known of the threshold.
    """

    photos: tuple[EmbeddedPhoto, ...]
    faces: tuple[ComparedFace, ...]
    similarities: DoubleArray
    rule: Rule
    contract: str
    remarks: tuple[Remark, ...] = ()

    def __bool__(self) -> bool:
        return any(pair.decision is Decision.SAME for pair in self.pairs())

    def __len__(self) -> int:
        return len(self.faces)

    def decision(self, first: int, second: int) -> Decision:
        """Return the decision on two rows; it cannot be told where a face is below the quality gate."""
        if not (self.faces[first].used.is_usable and self.faces[second].used.is_usable):
            return Decision.CANNOT_TELL
        return self.rule.decide(float(self.similarities[first, second]))

    def pairs(self) -> Iterator[Comparison]:
        """Yield every two faces once, row by row; two faces of one photo too."""
        for first, one in enumerate(self.faces):
            for second in range(first + 1, len(self.faces)):
                likeness = float(self.similarities[first, second])
                yield Comparison(one, self.faces[second], likeness, self.decision(first, second))

    def explain(self) -> str:
        """Say the pairs that are the same, what to expect by chance, and which photos gave nothing."""
        pairs = list(self.pairs())
        same = [pair for pair in pairs if pair.decision is Decision.SAME]
        chance = len(pairs) * self.rule.threshold.fmr
        counts = plurals((len(self.faces), "face"), (len(pairs), "pair"))
        lines = [
            f"{counts}: {len(same):,} the same. By chance about {about(chance)} pairs of different people would be.",
            *(
                f"{pair.first.name} and {pair.second.name}: same, similarity {decimal(pair.similarity)}."
                for pair in same
            ),
            *self.rule.explain(),
        ]
        remarks = [remark for photo in self.photos for remark in photo.reasons]
        return "\n".join([*lines, *(remark.text for remark in (*remarks, *self.remarks))])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: faces, the square of similarities and that of decisions."""
        numbers = range(len(self.faces))
        return {
            "photos": [photo.to_dict() for photo in self.photos],
            "faces": [
                {"photo": face.photo, "photo_number": face.photo_number, "face": face.face_number}
                for face in self.faces
            ],
            "similarities": self.similarities.round(4).tolist(),
            "decisions": [[self.decision(first, second).value for second in numbers] for first in numbers],
            **self.rule.to_dict(),
            "contract": self.contract,
            "reasons": [remark.text for remark in self.remarks],
            "codes": [remark.reason.value for remark in self.remarks],
        }


def compare(
    photos: Sequence[EmbeddedPhoto], rule: Rule, contract: str, remarks: tuple[Remark, ...] = ()
) -> Comparisons:
    """Compare all faces of photos that were embedded under one contract."""
    faces = tuple(
        ComparedFace(photo.photo, number, place, face)
        for number, photo in enumerate(photos, start=1)
        for place, face in enumerate(photo.faces, start=1)
    )
    vectors = [face.used.embedding.vector for face in faces]
    unit = l2_normalize(np.stack(vectors)).astype(np.float64) if vectors else np.empty((0, 0))
    likeness = np.clip(unit @ unit.T, -1, 1)
    np.fill_diagonal(likeness, 1.0)
    return Comparisons(tuple(photos), faces, frozen(likeness), rule, contract, remarks)
