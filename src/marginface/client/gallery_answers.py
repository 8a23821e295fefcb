"""What the service answers about collections and people: frozen values, checked when they come."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel


class CollectionInfo(BaseModel, frozen=True):
    """A collection and what it holds."""

    uid: str
    name: str
    contract: str
    embedding_size: int
    created: str
    people: int
    faces: int
    crops: int
    rotated: bool = False
    sealed_by: str = ""


class Person(BaseModel, frozen=True):
    """A person of a collection, as they were when asked for; ``retain_until`` None: kept until erased."""

    uid: str
    name: str
    collection: str
    faces: int
    created: str
    consent: str = ""
    purpose: str = ""
    retain_until: date | None = None


class GalleryFace(BaseModel, frozen=True):
    """A face of a person, without its vector; ``photo`` is the sha256 of the photo it was found in."""

    uid: str
    created: str
    photo: str = ""
    quality: dict[str, float] = {}
    has_crop: bool = False


class Lookalike(BaseModel, frozen=True):
    """Another person as similar as a search asks for; who it is, is told to a key with scope ``people`` alone."""

    person: str | None
    uid: str | None
    similarity: float
    face: str


class EnrolledFace(BaseModel, frozen=True):
    """A photo (its place in the list) whose face is in the gallery; not new: the person had this photo already."""

    index: int
    face: str
    is_new: bool
    codes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    lookalikes: tuple[Lookalike, ...] = ()


class RejectedPhoto(BaseModel, frozen=True):
    """A photo (its place in the list) that gave no face, and why: ``codes`` for programs, ``reasons`` in words."""

    index: int
    codes: tuple[str, ...]
    reasons: tuple[str, ...]
    lookalikes: tuple[Lookalike, ...] = ()


class Enrolment(BaseModel, frozen=True):
    """What came of each photo of a person: ``bool()`` says whether every face is in the gallery now."""

    person: str
    contract: str
    complete: bool
    faces: tuple[EnrolledFace, ...]
    rejected: tuple[RejectedPhoto, ...]
    remarks: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.complete


class SearchedFile(BaseModel, frozen=True):
    """A file that was searched for what had been erased."""

    name: str
    bytes: int
    traces: int


class Receipt(BaseModel, frozen=True):
    """What an erasure removed and how that was verified; ``bool()`` says whether it is complete.

    See gallery.Receipt.
    """

    complete: bool
    collection: str
    action: str
    time: str
    people: tuple[str, ...]
    faces: int
    crops: int
    rows_left: int
    audit_head: str
    files: tuple[SearchedFile, ...] = ()
    log_emptied: bool = False
    rewritten: bool = False
    notes: tuple[str, ...] = ()
    left_in_index: str = ""

    def __bool__(self) -> bool:
        return self.complete


class FacesPerPerson(BaseModel, frozen=True):
    """The least, the median and the most faces of a person."""

    least: int
    median: float
    most: int


class Stats(CollectionInfo, frozen=True):
    """What a collection holds, counted; ``due``: people whose last day to be kept has passed."""

    people_without_faces: int
    faces_per_person: FacesPerPerson
    due: int
    vector_bytes: int
    search: str


class Check(BaseModel, frozen=True):
    """Whether a collection is whole: ``findings`` are faults."""

    ok: bool
    collection: str
    people: int
    faces: int
    findings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.ok


class AuditReport(BaseModel, frozen=True):
    """Whether the chain of the audit holds; ``head`` is the hash of its last entry: keep it elsewhere, and compare."""

    ok: bool
    entries: int
    head: str
    findings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.ok


class AuditEntry(BaseModel, frozen=True):
    """Who did what, by opaque ids."""

    seq: int
    time: str
    actor: str
    action: str
    subject: dict[str, Any]
    hash: str
