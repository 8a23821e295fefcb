"""What the service answers about photos: frozen values, checked when they come; a newer service may say more.

``model_dump(mode="json")`` gives plain values back.
"""

from __future__ import annotations

import base64
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, PlainSerializer

_PNG = "data:image/png;base64,"


def _picture(value: Any) -> Any:
    """Return the bytes of a data: URL."""
    if isinstance(value, str) and value.startswith(_PNG):
        return base64.b64decode(value.removeprefix(_PNG), validate=True)
    return value


Picture = Annotated[
    bytes, BeforeValidator(_picture), PlainSerializer(lambda png: _PNG + base64.b64encode(png).decode())
]
Point = tuple[float, float]


class Threshold(BaseModel, frozen=True):
    """A similarity with the false-match rate it was set for and the data it was set on; see values.Threshold."""

    similarity: float
    fmr: float
    data: str
    impostor_pairs: int
    fmr_bounds: tuple[float, float] | None = None
    fnmr: float | None = None
    fnmr_bounds: tuple[float, float] | None = None
    fpir: float | None = None
    size: int = 1


class Cue(BaseModel, frozen=True):
    """A measure of a face: the raw value, and a score from 0 to 100 where it has a scale."""

    value: float
    score: int | None = None


class SeenFace(BaseModel, frozen=True):
    """A face of a photo: box x1, y1, x2, y2 and five landmarks in pixels, score in [0, 1].

    ``reasons`` say in words, ``codes`` for programs, in what its quality falls short.
    """

    box: tuple[float, float, float, float]
    landmarks: tuple[Point, Point, Point, Point, Point]
    score: float
    quality: dict[str, Cue] = {}
    usable: bool = True
    reasons: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


class DetectedFace(SeenFace, frozen=True):
    """A face of a photo; ``crop`` is the aligned face as PNG, where it was asked for."""

    crop: Picture | None = None


class Size(BaseModel, frozen=True):
    """Width and height in pixels."""

    width: int
    height: int


class Detection(BaseModel, frozen=True):
    """The faces of a photo, largest first; ``bool()`` says whether there is one."""

    faces: tuple[DetectedFace, ...]
    image: Size
    contract: str

    def __bool__(self) -> bool:
        return bool(self.faces)


class UsedFace(BaseModel, frozen=True):
    """The face of a photo that a decision was made on."""

    box: tuple[float, float, float, float]
    landmarks: tuple[Point, Point, Point, Point, Point]
    score: float


class Decided(BaseModel, frozen=True):
    """What every decision says of its threshold.

    Attributes:
        threshold: the similarity from which on two faces are the same person.
        fmr: the false-match rate it was set for; ``fmr_bounds``: where the true rate lies at 95 %, if that is known.
        uncertain_threshold, uncertain_fmr: of the laxer rate, where one was asked for.
        calibration: the same, with the data it was set on.
        contract: what the embeddings were made with.
        reasons, codes: why it cannot be told, and what is to be known; in words, and for programs.
    """

    threshold: float
    fmr: float
    fmr_bounds: tuple[float, float] | None = None
    uncertain_threshold: float | None = None
    uncertain_fmr: float | None = None
    calibration: Threshold
    contract: str
    reasons: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


class Verification(Decided, frozen=True):
    """Whether two photos show the same person: ``bool()`` is true for *same* only.

    ``decision`` is "same", "different" or "cannot tell"; ``similarity`` is None where a photo has no face to compare.
    """

    decision: str
    similarity: float | None
    faces: tuple[UsedFace | None, UsedFace | None]
    quality: tuple[dict[str, Cue] | None, dict[str, Cue] | None]
    crops: tuple[Picture | None, Picture | None] | None = None
    explanation: str = ""

    def __bool__(self) -> bool:
        return self.decision == "same"

    def explain(self) -> str:
        """Say the decision, the threshold and where it comes from, in words."""
        return self.explanation


class ComparedPhoto(BaseModel, frozen=True):
    """What came of one of several photos."""

    photo: str
    usable: bool
    faces_found: int
    reasons: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


class ComparedFace(BaseModel, frozen=True):
    """A row of a comparison: which face of which photo, both counted from 1."""

    photo: str
    photo_number: int
    face: int


class Comparisons(Decided, frozen=True):
    """The faces of several photos, each compared with each; ``similarities`` and ``decisions`` are squares."""

    photos: tuple[ComparedPhoto, ...]
    faces: tuple[ComparedFace, ...]
    similarities: tuple[tuple[float, ...], ...]
    decisions: tuple[tuple[str, ...], ...]


class EmbeddedFace(SeenFace, frozen=True):
    """A face with its embedding, a vector of length 1: biometric data, as the photo is."""

    embedding: tuple[float, ...]


class Embeddings(BaseModel, frozen=True):
    """The faces of a photo with their embeddings, and the contract they were made under."""

    faces: tuple[EmbeddedFace, ...]
    faces_found: int
    contract: str
    reasons: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


class Candidate(BaseModel, frozen=True):
    """A known person (``uid``: the opaque id) as similar as said; ``face`` is the most similar of theirs."""

    person: str
    similarity: float
    face: str
    uid: str = ""


class IdentifiedFace(SeenFace, frozen=True):
    """A face and who it is: ``decision`` is "match", "no match" or "cannot tell"; ``person`` only for a match.

    ``event`` is its entry in the record, where the service keeps one; ``confirmation`` "unconfirmed" says that two keys
    have to agree first.
    """

    decision: str
    person: str | None
    candidates: tuple[Candidate, ...]
    event: str | None = None
    confirmation: str | None = None

    def __bool__(self) -> bool:
        return self.decision == "match"


class Identification(Decided, frozen=True):
    """Who of a collection a photo shows: ``bool()`` is true if any face is a match.

    ``fpir`` is how often a search of somebody unknown may find anybody, among so many ``comparisons``.
    """

    decision: str
    faces: tuple[IdentifiedFace, ...]
    fpir: float
    comparisons: int

    def __bool__(self) -> bool:
        return any(self.faces)

    @property
    def people(self) -> tuple[str, ...]:
        """The people that were found, each once."""
        return tuple(dict.fromkeys(face.person for face in self.faces if face.person is not None))
