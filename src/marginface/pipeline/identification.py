"""Identification: who of the known people the faces of a photo are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from marginface.pipeline.photos import EmbeddedFace, EmbeddedPhoto
from marginface.pipeline.rules import Rule
from marginface.reasons import Reason, Remark, codes_of
from marginface.values import Candidate, Decision, Threshold
from marginface.words import decimal


class SearchDecision(Enum):
    """The answer of a search and its exit status on the command line."""

    MATCH = "match"
    NO_MATCH = "no match"
    CANNOT_TELL = "cannot tell"

    @property
    def exit_status(self) -> int:
        """0 match, 1 no match, 3 cannot tell."""
        return {"match": 0, "no match": 1, "cannot tell": 3}[self.value]


_OF = {
    Decision.SAME: SearchDecision.MATCH,
    Decision.DIFFERENT: SearchDecision.NO_MATCH,
    Decision.CANNOT_TELL: SearchDecision.CANNOT_TELL,
}


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedFace:
    """A face and the answer: ``bool()`` is true for a match.

    Attributes:
        used: the face with box, quality and embedding.
        decision: match, no match, or cannot tell.
        candidates: the people most like it, best first, whether or not they reach the threshold.
        reasons: why it cannot be told.
    """

    used: EmbeddedFace
    decision: SearchDecision
    candidates: tuple[Candidate, ...]
    reasons: tuple[Remark, ...] = ()

    def __bool__(self) -> bool:
        return self.decision is SearchDecision.MATCH

    @property
    def person(self) -> str | None:
        """Who it is; None unless it is a match: nobody is made up."""
        return self.candidates[0].person if self else None

    def explain(self) -> str:
        """Say the answer and the nearest person in words."""
        box = self.used.face.box
        where = f"Face at {box.x1:.0f}, {box.y1:.0f} ({box.width:.0f}×{box.height:.0f} px)"
        if self:
            said = f"{where}: {self.person}, similarity {decimal(self.candidates[0].similarity)}."
        else:
            best = f" (nearest: similarity {decimal(self.candidates[0].similarity)})" if self.candidates else ""
            said = f"{where}: {self.decision.value}{best}."
        return "\n".join([said, *(remark.text for remark in self.reasons)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            **self.used.to_dict(),
            "decision": self.decision.value,
            "person": self.person,
            "uid": (self.candidates[0].uid or None) if self else None,
            "candidates": [one.to_dict() for one in self.candidates],
            "reasons": [remark.text for remark in self.reasons],
            "codes": [reason.value for reason in codes_of(self.reasons)],
        }


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """Who of the known people a photo shows: ``bool()`` is true if any face is a match.

    Attributes:
        photo: its path, or what it was called.
        faces: the answer for each face that was meant, largest first; none if the photo has none.
        rule: the thresholds, set for this number of comparisons.
        fpir: how often a search of somebody unknown may find anybody.
        comparisons: the faces that each face was compared with.
        contract: the id of what the embeddings were made with.
        reasons: on the photo and the search; those on a face are in ``faces``.
    """

    photo: str
    faces: tuple[IdentifiedFace, ...]
    rule: Rule
    fpir: float
    comparisons: int
    contract: str
    reasons: tuple[Remark, ...] = ()

    def __bool__(self) -> bool:
        return any(self.faces)

    @property
    def threshold(self) -> Threshold:
        """The similarity from which on a face is a match, with the false-match rate of one comparison."""
        return self.rule.threshold

    @property
    def people(self) -> tuple[str, ...]:
        """The people that were found, each once."""
        return tuple(dict.fromkeys(face.person for face in self.faces if face.person is not None))

    @property
    def codes(self) -> tuple[Reason, ...]:
        """The reason codes, each once."""
        return codes_of((*self.reasons, *(remark for face in self.faces for remark in face.reasons)))

    @property
    def decision(self) -> SearchDecision:
        """Match if any face is one; cannot tell if there is no face or one of them cannot be told; else no match."""
        if self:
            return SearchDecision.MATCH
        told = self.faces and all(face.decision is SearchDecision.NO_MATCH for face in self.faces)
        return SearchDecision.NO_MATCH if told else SearchDecision.CANNOT_TELL

    @property
    def exit_status(self) -> int:
        """0 match, 1 no match, 3 cannot tell."""
        return self.decision.exit_status

    def explain(self) -> str:
        """Say who was found, and by which threshold."""
        return "\n".join(part for part in (self.explain_faces(), self.explain_rule()) if part)

    def explain_faces(self) -> str:
        """Say who was found."""
        lines = [f"{self.photo}: {self.decision.value}.", *(face.explain() for face in self.faces)]
        return "\n".join([*lines, *(remark.text for remark in self.reasons)])

    def explain_rule(self) -> str:
        """Say by which threshold, where something was compared; else an empty text."""
        if not (self.faces and self.comparisons):
            return ""
        return "\n".join([f"Threshold {decimal(self.threshold.similarity)}.", *self.rule.explain()])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "photo": self.photo,
            "decision": self.decision.value,
            "faces": [face.to_dict() for face in self.faces],
            **self.rule.to_dict(),
            "fpir": self.fpir,
            "comparisons": self.comparisons,
            "contract": self.contract,
            "reasons": [remark.text for remark in self.reasons],
            "codes": [reason.value for reason in self.codes],
        }


def answers(photo: EmbeddedPhoto, found: Sequence[tuple[Candidate, ...]], rule: Rule) -> tuple[IdentifiedFace, ...]:
    """Return the answer for each face of a photo from the candidates that a search found for it."""
    return tuple(_answer(face, candidates, rule) for face, candidates in zip(photo.faces, found, strict=True))


def _answer(face: EmbeddedFace, candidates: tuple[Candidate, ...], rule: Rule) -> IdentifiedFace:
    if not face.is_usable:
        return IdentifiedFace(face, SearchDecision.CANNOT_TELL, candidates, face.refusals)
    if not candidates:
        return IdentifiedFace(face, SearchDecision.NO_MATCH, ())
    decision = rule.decide(candidates[0].similarity)
    between = decision is Decision.CANNOT_TELL
    reasons = (Remark(Reason.BETWEEN_THRESHOLDS, Reason.BETWEEN_THRESHOLDS.sentence),) if between else ()
    return IdentifiedFace(face, _OF[decision], candidates, reasons)
