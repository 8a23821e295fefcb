"""What may be asked of each kind of job, checked before anything is stored; and the table of kinds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from marginface.server.access import Scope


class _Wish(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EnrolWish(_Wish):
    """Enrol the people of an archive: a folder for each person, with their photos."""

    kind: Literal["enrol"]
    collection: str = Field(min_length=1, max_length=300, examples=["staff"])
    faces: str = Field("one", description="which face of a photo: one (several give none), largest, center")
    quality: str = Field("standard", description="faces below it are refused: off, usable, standard, strict")
    keep_crops: bool = Field(default=False, description="keep the aligned faces, sealed, for a later model")
    refuse_lookalikes: bool = Field(
        default=False, description="refuse a face that a search would take for another person"
    )
    fpir: float = Field(0.01, gt=0, lt=1, description="of the searches that look-alikes are found by")
    consent: str = Field("", max_length=2000, description="how and when the people agreed")
    purpose: str = Field("", max_length=2000, description="what they are enrolled for")
    retain_until: date | None = Field(None, description="the last day they are kept")
    strip: int | None = Field(None, ge=0, le=8, description="folders in the archive before those of the people")


class ClusterWish(_Wish):
    """Group the faces of an archive of photos by who they may be."""

    kind: Literal["cluster"]
    fpir: float = Field(0.5, gt=0, lt=1, description="how often a lone face may find one as similar as groups need")
    similarity: float | None = Field(None, ge=-1, le=1, description="join groups at this mean similarity instead")
    faces: str = Field("all", description="which faces of a photo: all, one, largest, center")
    quality: str = Field("usable", description="faces below it are left out: off, usable, standard, strict")


class MigrateWish(_Wish):
    """Embed the kept crops of a collection with another model; its people stay."""

    kind: Literal["migrate"]
    collection: str = Field(min_length=1, max_length=300, examples=["staff"])
    model: str = Field("", max_length=100, description="a registered name; empty: the service's own model")
    mirror: bool = Field(default=False, description="add the embedding of the mirrored crop")
    erase_old: bool = Field(default=False, description="erase the old embeddings when the new ones are in their place")


class PurgeWish(_Wish):
    """Erase everyone whose last day has passed, in all collections."""

    kind: Literal["purge"]


Wish = EnrolWish | ClusterWish | MigrateWish | PurgeWish


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job.

    Attributes:
        scope: What a key needs besides ``jobs``.
        wish: What may be asked of it.
        needs_archive: It waits for an upload.
        goes_on: What it did is kept when it is begun again, so that ``done`` never goes back.
        keep_days: How long the job and its result are kept after its end.
    """

    scope: Scope
    wish: type[_Wish]
    needs_archive: bool
    goes_on: bool
    keep_days: int


KINDS: dict[str, Kind] = {
    "enrol": Kind(Scope.ENROL, EnrolWish, needs_archive=True, goes_on=True, keep_days=7),
    "cluster": Kind(Scope.CLUSTER, ClusterWish, needs_archive=True, goes_on=False, keep_days=7),
    "migrate": Kind(Scope.MANAGE, MigrateWish, needs_archive=False, goes_on=True, keep_days=30),
    "purge": Kind(Scope.ERASE, PurgeWish, needs_archive=False, goes_on=False, keep_days=400),
}
