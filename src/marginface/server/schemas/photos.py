"""Faces, their quality, and decisions on them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

_BOX = [68.72, 53.64, 179.54, 211.44]
_DATA = "LFW and CFP (frontal and profile): 13,741 photos of 4,637 people"
_REASON = "photo 1: 2 faces found, the largest was used."
_PNG = "data:image/png;base64,iVBORw0KGgo…"
_POINTS = [[101.2, 121.8], [152.3, 120.9], [126.7, 150.9], [106.7, 174.1], [148.6, 174.1]]


class CueAnswer(BaseModel):
    """A cue of quality: its raw value, and its score from 0 to 100 where it has a scale."""

    value: float = Field(examples=[51.14])
    score: int | None = Field(examples=[28])


class FaceAnswer(BaseModel):
    """Where a face is, in pixels of the photo: x to the right, y down."""

    box: list[float] = Field(description="x1, y1, x2, y2", examples=[_BOX])
    landmarks: list[list[float]] = Field(
        description="left eye, right eye, nose, left and right mouth corner, as seen in the photo", examples=[_POINTS]
    )
    score: float = Field(description="of the detector, 0 to 1", examples=[0.928])


class LookedAt(FaceAnswer):
    """A face with its quality, and why a gate would not let it pass."""

    quality: dict[str, CueAnswer]
    usable: bool
    reasons: list[str] = Field(examples=[["image: the eyes are 18 px apart; 20 are needed."]])
    codes: list[str] = Field(examples=[["face_too_small"]])
    crop: str | None = Field(
        None, description="the aligned face as a data: URL of a PNG, with crops=true", examples=[_PNG]
    )
    embedding: list[float] | None = Field(
        None, description="a vector of length 1, from /v1/embed", examples=[[0.071, -0.012]]
    )


class Size(BaseModel):
    """Of a photo, upright, in pixels."""

    width: int = Field(examples=[250])
    height: int = Field(examples=[250])


class Detection(BaseModel):
    """All faces of a photo, largest first."""

    image: Size
    faces: list[LookedAt]
    contract: str = Field(examples=["59b08417f911d62a"])


class ThresholdAnswer(BaseModel):
    """A similarity with the false-match rate it was set for, and the data it was set on."""

    similarity: float = Field(examples=[0.3554])
    fmr: float = Field(examples=[0.001])
    fmr_bounds: list[float] | None = Field(examples=[[0.00094, 0.00105]])
    fnmr: float | None = Field(examples=[0.011])
    fnmr_bounds: list[float] | None = Field(examples=[[0.009, 0.013]])
    fpir: float | None = Field(examples=[None])
    size: int = Field(description="comparisons in one search", examples=[1])
    impostor_pairs: int = Field(examples=[53145522])
    data: str = Field(examples=[_DATA])


class CalibrationAnswer(BaseModel):
    """The thresholds that decide, by false-match rate from the largest on."""

    contract: str = Field(examples=["59b08417f911d62a"])
    model: str = Field(examples=["sface"])
    data: str = Field(examples=[_DATA])
    thresholds: list[ThresholdAnswer]


class Decided(BaseModel):
    """What every decision says of its threshold."""

    threshold: float = Field(examples=[0.3554])
    fmr: float = Field(examples=[0.001])
    fmr_bounds: list[float] | None = Field(examples=[[0.00094, 0.00105]])
    threshold_data: str = Field(examples=[_DATA])
    threshold_impostor_pairs: int = Field(examples=[53145522])
    uncertain_threshold: float | None = Field(examples=[None])
    uncertain_fmr: float | None = Field(examples=[None])
    contract: str = Field(examples=["59b08417f911d62a"])
    calibration: ThresholdAnswer
    reasons: list[str] = Field(examples=[[_REASON]])
    codes: list[str] = Field(examples=[["other_faces"]])


class VerificationAnswer(Decided):
    """Whether two photos show the same person."""

    decision: str = Field(description="same, different, or cannot tell", examples=["same"])
    similarity: float | None = Field(examples=[0.612])
    faces: list[FaceAnswer | None]
    quality: list[dict[str, CueAnswer] | None]
    crops: list[str | None] | None = Field(
        None, description="the faces as data: URLs of PNGs, with crops=true", examples=[[_PNG, _PNG]]
    )
    explanation: str = Field(examples=["Same.\nSimilarity 0.612, threshold 0.355."])


class ComparedPhoto(BaseModel):
    """What came of one photo."""

    photo: str = Field(examples=["photo 1"])
    usable: bool
    faces_found: int = Field(examples=[2])
    faces: list[LookedAt]
    reasons: list[str] = Field(examples=[[_REASON]])
    codes: list[str] = Field(examples=[["other_faces"]])


class ComparedFaceAnswer(BaseModel):
    """Which face a row of the matrix is."""

    photo: str = Field(examples=["photo 1"])
    photo_number: int = Field(description="from 1, in the order of the parts", examples=[1])
    face: int = Field(description="from 1, largest first", examples=[1])


class ComparisonAnswer(Decided):
    """All faces of all photos, each with each."""

    photos: list[ComparedPhoto]
    faces: list[ComparedFaceAnswer]
    similarities: list[list[float]] = Field(examples=[[[1.0, 0.61], [0.61, 1.0]]])
    decisions: list[list[str]] = Field(examples=[[["same", "same"], ["same", "same"]]])


class EmbeddingAnswer(BaseModel):
    """The embeddings of the faces of a photo: biometric data."""

    model_config = ConfigDict(json_schema_extra={"description": "Treat it as you would treat the photo."})

    contract: str = Field(examples=["59b08417f911d62a"])
    faces_found: int = Field(examples=[2])
    faces: list[LookedAt]
    reasons: list[str] = Field(examples=[[_REASON]])
    codes: list[str] = Field(examples=[["other_faces"]])
