"""What comes of one photo: the faces that are meant, each with box, quality and embedding, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marginface.errors import FaceCountError
from marginface.quality import Quality
from marginface.reasons import Reason, Remark, codes_of
from marginface.values import Embedding, Face


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedFace:
    """A face with its embedding; ``refusals`` say why the quality gate that was asked for does not let it pass."""

    face: Face
    quality: Quality
    embedding: Embedding
    refusals: tuple[Remark, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether the gate lets it pass."""
        return not self.refusals

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the embedding: that is biometric data."""
        return {
            **self.face.to_dict(),
            "quality": self.quality.to_dict(),
            "usable": self.is_usable,
            "reasons": [remark.text for remark in self.refusals],
            "codes": [reason.value for reason in codes_of(self.refusals)],
        }


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedPhoto:
    """What came of one photo: ``bool()`` is true if it gave a usable embedding.

    Attributes:
        photo: its path, or what it was called.
        faces: those that the face policy means, largest first; none if there is no face or not the number wanted.
        faces_found: how many faces the photo shows.
        remarks: why there is no face here, and that others were left aside.
    """

    photo: str
    faces: tuple[EmbeddedFace, ...]
    faces_found: int
    remarks: tuple[Remark, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.usable)

    @property
    def usable(self) -> tuple[EmbeddedFace, ...]:
        """The faces that the quality gate lets pass."""
        return tuple(face for face in self.faces if face.is_usable)

    @property
    def reasons(self) -> tuple[Remark, ...]:
        """All remarks: on the photo, then on its faces."""
        return self.remarks + tuple(remark for face in self.faces for remark in face.refusals)

    @property
    def codes(self) -> tuple[Reason, ...]:
        """The reason codes, each once."""
        return codes_of(self.reasons)

    @property
    def embedding(self) -> Embedding:
        """The embedding of the first usable face.

        Raises:
            FaceCountError: there is none; the message says why.
        """
        if not self.usable:
            raise FaceCountError(self.explain())
        return self.usable[0].embedding

    def explain(self) -> str:
        """Say in words what came of the photo."""
        if not self:
            return "\n".join(remark.text for remark in self.reasons)
        number = len(self.usable)
        said = f"{self.photo}: {number} {'face' if number == 1 else 'faces'} of {self.faces_found} embedded."
        return "\n".join([said, *(remark.text for remark in self.reasons)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the embeddings."""
        return {
            "photo": self.photo,
            "usable": bool(self),
            "faces_found": self.faces_found,
            "faces": [face.to_dict() for face in self.faces],
            "reasons": [remark.text for remark in self.reasons],
            "codes": [reason.value for reason in self.codes],
        }
