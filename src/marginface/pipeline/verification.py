"""Verification: whether two photos show the same person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marginface.defaults import ENROLMENT_GATE
from marginface.pipeline.photos import EmbeddedFace, EmbeddedPhoto
from marginface.pipeline.rules import Rule
from marginface.quality import Quality, shortfalls
from marginface.reasons import Reason, Remark, codes_of
from marginface.similarity import similarity
from marginface.values import Decision, Face, Threshold
from marginface.words import decimal


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """Whether two photos show the same person: ``bool()`` is true for *same* only.

    Attributes:
        decision: same, different, or cannot tell.
        similarity: None where a photo has no face that could be compared.
        rule: the threshold, and that of the uncertain range where one was asked for.
        faces: the faces that were used; None where there is none.
        qualities: theirs.
        contract: the id of what the embeddings were made with.
        reasons: why it cannot be told, and what is to be known of the photos.
    """

    decision: Decision
    similarity: float | None
    rule: Rule
    faces: tuple[Face | None, Face | None]
    qualities: tuple[Quality | None, Quality | None]
    contract: str
    reasons: tuple[Remark, ...] = ()

    def __bool__(self) -> bool:
        return self.decision is Decision.SAME

    @property
    def threshold(self) -> Threshold:
        """The similarity from which on two faces are the same, with its rate and data."""
        return self.rule.threshold

    @property
    def codes(self) -> tuple[Reason, ...]:
        """The reason codes, each once."""
        return codes_of(self.reasons)

    @property
    def exit_status(self) -> int:
        """0 same, 1 different, 3 cannot tell."""
        return self.decision.exit_status

    def explain(self) -> str:
        """Say the decision, the similarity, the threshold and where it comes from, in words."""
        lines = [self.decision.value.capitalize() + "."]
        if self.similarity is not None:
            lines.append(f"Similarity {decimal(self.similarity)}, threshold {decimal(self.threshold.similarity)}.")
            lines += self.rule.explain()
        return "\n".join([*lines, *(remark.text for remark in self.reasons)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "decision": self.decision.value,
            "similarity": None if self.similarity is None else round(self.similarity, 4),
            **self.rule.to_dict(),
            "faces": [None if face is None else face.to_dict() for face in self.faces],
            "quality": [None if quality is None else quality.to_dict() for quality in self.qualities],
            "contract": self.contract,
            "reasons": [remark.text for remark in self.reasons],
            "codes": [reason.value for reason in self.codes],
        }


def verify_faces(
    first: EmbeddedPhoto, second: EmbeddedPhoto, rule: Rule, contract: str, remarks: tuple[Remark, ...] = ()
) -> Verification:
    """Return the decision on the first face of each of two photos, embedded under one contract."""
    photos = first, second
    one, two = (photo.faces[0] if photo.faces else None for photo in photos)
    faces = _face(one), _face(two)
    qualities = _quality(one), _quality(two)
    reasons = tuple(remark for photo in photos for remark in (*photo.reasons, *_advice(photo))) + remarks
    if one is None or two is None:
        return Verification(Decision.CANNOT_TELL, None, rule, faces, qualities, contract, reasons)
    score = similarity(one.embedding, two.embedding)
    if not (one.is_usable and two.is_usable):
        return Verification(Decision.CANNOT_TELL, score, rule, faces, qualities, contract, reasons)
    decision = rule.decide(score)
    between = decision is Decision.CANNOT_TELL
    why = (Remark(Reason.BETWEEN_THRESHOLDS, Reason.BETWEEN_THRESHOLDS.sentence),) if between else ()
    return Verification(decision, score, rule, faces, qualities, contract, why + reasons)


def _face(used: EmbeddedFace | None) -> Face | None:
    return None if used is None else used.face


def _quality(used: EmbeddedFace | None) -> Quality | None:
    return None if used is None else used.quality


def _advice(photo: EmbeddedPhoto) -> list[Remark]:
    """Return in what a face falls short of an enrolment, besides what its gate has said already."""
    face = next(iter(photo.faces), None)
    if face is None:
        return []
    said = {remark.reason for remark in face.refusals}
    short = [one for one in shortfalls(face.quality, ENROLMENT_GATE) if one.reason not in said]
    return [Remark(one.reason, f"{photo.photo}: {one.text} Trust the answer less.") for one in short]
