"""What may be asked of each kind of job, checked before anything is stored."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from marginface.contract import ModelCard
from marginface.cropping import FACE_POLICIES
from marginface.defaults import DEFAULT_CLUSTER_FPIR, DEFAULT_FPIR, DEFAULT_GATE
from marginface.enrolment import REVIEWS
from marginface.pipeline.reader import CHOICES
from marginface.quality import GATES
from marginface.registry import Registry
from marginface.server.defaults import DEFAULT_REVIEW
from marginface.server.schemas.fields import Name, OneOf, RecordedText
from marginface.weights import WEIGHTS

EMBEDDERS: Registry[ModelCard] = Registry("model")  # that a collection can be brought to: never a path of this machine
for _name, _weights in WEIGHTS.items():
    if _weights.card is not None:
        EMBEDDERS.add(_name, _weights.card)

OneFace = Annotated[str, OneOf(FACE_POLICIES)]
FaceChoice = Annotated[str, OneOf(CHOICES)]
ReviewName = Annotated[str, OneOf(REVIEWS)]
QualityGate = Annotated[str, OneOf(GATES)]
ModelName = Annotated[str, OneOf(EMBEDDERS, "")]


class _Wish(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EnrolWish(_Wish):
    """Enrol the people of an archive: a folder for each person, with their photos."""

    kind: Literal["enrol"]
    collection: Name = Field(examples=["staff"])
    faces: OneFace = Field("one", description="which face of a photo is meant; one: several give none")
    review: ReviewName = Field(DEFAULT_REVIEW, description="how strictly photos are looked at; strict: no look-alikes")
    keep_crops: bool = Field(default=False, description="keep the aligned faces, sealed, for a later model")
    fpir: float = Field(DEFAULT_FPIR, gt=0, lt=1, description="of the searches that look-alikes are found by")
    consent: RecordedText = Field("", description="how and when the people agreed")
    purpose: RecordedText = Field("", description="what they are enrolled for")
    retain_until: date | None = Field(None, description="the last day they are kept")
    strip: int | None = Field(None, ge=0, le=8, description="folders in the archive before those of the people")


class ClusterWish(_Wish):
    """Group the faces of an archive of photos by who they may be."""

    kind: Literal["cluster"]
    fpir: float = Field(
        DEFAULT_CLUSTER_FPIR, gt=0, lt=1, description="how often a lone face may find one as similar as groups need"
    )
    similarity: float | None = Field(None, ge=-1, le=1, description="join groups at this mean similarity instead")
    faces: FaceChoice = Field("all", description="which faces of a photo")
    quality: QualityGate = Field(DEFAULT_GATE, description="faces below it are left out")


class MigrateWish(_Wish):
    """Embed the kept crops of a collection with another model; its people stay."""

    kind: Literal["migrate"]
    collection: Name = Field(examples=["staff"])
    model: ModelName = Field("", description="a registered name; empty: the service's own model")
    mirror: bool = Field(default=False, description="add the embedding of the mirrored crop")
    erase_old: bool = Field(default=False, description="erase the old embeddings when the new ones are in their place")


class PurgeWish(_Wish):
    """Erase everyone whose last day has passed, in all collections."""

    kind: Literal["purge"]


Wish = EnrolWish | ClusterWish | MigrateWish | PurgeWish
