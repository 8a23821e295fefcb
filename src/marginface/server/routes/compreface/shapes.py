"""The answers of CompreFace. What this service does not have is left out, as by a CompreFace without the plugin."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from marginface.server.schemas.fields import Name
from marginface.server.schemas.photos import ThresholdAnswer

ID_EXAMPLE = "00000000-0000-0000-b194-6ac92492d234"


class Box(BaseModel):
    """Where a face is, in pixels; ``probability`` is the score of the detector."""

    probability: float = Field(examples=[0.99954])
    x_max: int = Field(examples=[308])
    y_max: int = Field(examples=[180])
    x_min: int = Field(examples=[235])
    y_min: int = Field(examples=[98])


class FoundFace(BaseModel):
    """A face; landmarks and embedding with the face plugins of these names."""

    box: Box
    landmarks: list[list[int]] | None = Field(None, examples=[[[92, 44], [130, 68], [71, 76], [60, 104], [95, 125]]])
    embedding: list[float] | None = Field(None, examples=[[-0.0273, 0.0811]])


class SubjectSimilarity(BaseModel):
    """A person, and the cosine similarity of the most similar of their faces: −1 to 1, and no squash of it."""

    subject: str = Field(examples=["Ann Example"])
    similarity: float = Field(examples=[0.61234])


class RecognizedFace(FoundFace):
    """A face and the people most similar to it; ``decision`` is ours: match, no match, or cannot tell.

    ``event`` and ``confirmation`` are there where the service keeps a record and asks for second keys.
    """

    subjects: list[SubjectSimilarity]
    decision: str = Field(examples=["match"])
    threshold: float = Field(examples=[0.4318])
    event: str | None = Field(None, examples=["e-5d0c9be1f2a34877"])
    confirmation: str | None = Field(None, examples=["unconfirmed"])


class ComparedFace(FoundFace):
    """A face and its cosine similarity to the one it was compared with; ``decision`` is ours."""

    similarity: float = Field(examples=[0.61234])
    decision: str = Field(examples=["same"])
    threshold: float = Field(examples=[0.3554])
    subject: str | None = Field(None, examples=["Ann Example"])


class PluginsVersions(BaseModel):
    """With status=true: the detector, and the contract of the embeddings."""

    detector: str = Field(examples=["yunet_2023mar"])
    calculator: str = Field(examples=["59b08417f911d62a"])


class Decided(BaseModel):
    """Ours, beside what CompreFace answers: by what the faces were decided, as every decision of this service says."""

    contract: str = Field(examples=["59b08417f911d62a"])
    fmr: float = Field(description="how often two persons are called the same at this threshold", examples=[0.01])
    calibration: ThresholdAnswer


class Detected(BaseModel):
    """The faces of a photo, largest first; ``contract`` is ours."""

    contract: str = Field(examples=["59b08417f911d62a"])
    result: list[FoundFace]
    plugins_versions: PluginsVersions | None = None


class Recognized(Decided):
    """The faces of a photo, largest first, and who they may be."""

    result: list[RecognizedFace]
    fpir: float = Field(description="how often a search of a stranger may find anybody", examples=[0.02])
    comparisons: int = Field(description="the faces that each was compared with", examples=[31])
    plugins_versions: PluginsVersions | None = None


class ComparedWithExample(Decided):
    """The faces of a photo, largest first, compared with an example."""

    result: list[ComparedFace]
    plugins_versions: PluginsVersions | None = None


class Verified(BaseModel):
    """The face of the source photo, and those of the target photo compared with it."""

    source_image_face: FoundFace
    face_matches: list[ComparedFace]
    plugins_versions: PluginsVersions | None = None


class Verifications(Decided):
    """One verification, in a list."""

    result: list[Verified]


class Example(BaseModel):
    """An example of a subject."""

    image_id: str = Field(examples=[ID_EXAMPLE])
    subject: str = Field(examples=["Ann Example"])


class Examples(BaseModel):
    """A page of examples; the first page is 0."""

    faces: list[Example]
    page_number: int = Field(examples=[0])
    page_size: int = Field(examples=[20])
    total_pages: int = Field(examples=[1])
    total_elements: int = Field(examples=[12])


class Subject(BaseModel):
    """The name of a subject."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"subject": "Ann Example"}]})

    subject: Name


class Subjects(BaseModel):
    """All subjects by name."""

    subjects: list[str] = Field(examples=[["Ann Example", "Ben Example"]])


class Updated(BaseModel):
    """Whether something changed."""

    updated: bool


class Deleted(BaseModel):
    """How many there were."""

    deleted: int = Field(examples=[2])
