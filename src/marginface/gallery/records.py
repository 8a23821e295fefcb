"""What a gallery hands out and takes in: frozen values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from marginface.errors import InputError
from marginface.gallery.names import LONGEST_TEXT, check_text
from marginface.values import Embedding, FloatArray, IntArray, frozen

_UID = re.compile(r"[pf]-[0-9a-f]{16}")
_OPAQUE = re.compile(r"[cpf]-[0-9a-f]{16}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_PHOTO = re.compile(r"(vector:)?[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class About:
    """What is recorded about a person besides the name: the consent, what the gallery is for, how long to keep.

    ``retain_until`` is the last day on which the person is kept; ``purge`` erases them after it. None: until erased.
    """

    consent: str = ""
    purpose: str = ""
    retain_until: date | None = None

    def __post_init__(self) -> None:
        for name in ("consent", "purpose"):
            check_text(getattr(self, name), name, LONGEST_TEXT)
        if self.retain_until is not None and type(self.retain_until) is not date:
            raise InputError(f"retain_until is a date, as date(2027, 1, 31); got {self.retain_until!r}")


def last_day(day: date | None) -> date | None:
    """Return the last day to keep somebody, as a person types it; programs may say a past one, for the next purge.

    Raises:
        InputError: The day is past (UTC): the next purge, which a service runs by itself, would erase them for good.
    """
    today = datetime.now(UTC).date()
    if day is not None and day < today:
        raise InputError(
            f"the last day to be kept is today or later; got {day}, and it is {today} (UTC): the next purge would "
            "erase them. To erase somebody now: marginface gallery erase"
        )
    return day


def revised(about: About, said: Mapping[str, Any]) -> About:
    """Return a record with some of its fields changed; what is not said stays.

    >>> revised(About("signed", "door"), {"purpose": "gate"})
    About(consent='signed', purpose='gate', retain_until=None)
    """
    unknown = sorted(set(said) - {"consent", "purpose", "retain_until"})
    if unknown:
        raise InputError(f"recorded about a person are consent, purpose and retain_until; got {', '.join(unknown)}")
    return replace(about, **said)


@dataclass(frozen=True, slots=True)
class Person:
    """A person of a collection, as they were when asked for.

    Attributes:
        id: The number that an index knows as the owner.
        uid: The opaque id, for everything outside this process.
        name: One name, one person, in a collection.
        collection: Name of the collection.
        faces: How many.
        created: ISO 8601 in UTC.
    """

    id: int
    uid: str
    name: str
    collection: str
    faces: int
    created: str
    about: About = About()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        until = self.about.retain_until
        return {
            "uid": self.uid,
            "name": self.name,
            "collection": self.collection,
            "faces": self.faces,
            "created": self.created,
            "consent": self.about.consent,
            "purpose": self.about.purpose,
            "retain_until": None if until is None else until.isoformat(),
        }


def is_uid(text: str) -> bool:
    """Say whether a text has the form of an opaque id of a person, face or collection.

    >>> is_uid("p-3f9a1c0b77d2e845"), is_uid("Ann")
    (True, False)
    """
    return _OPAQUE.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a person or a face of an archive comes from: the opaque id it had, and when it was made there."""

    uid: str = ""
    created: str = ""

    def __post_init__(self) -> None:
        if self.uid and not _UID.fullmatch(self.uid):
            raise InputError(f"an opaque id is p- or f- and 16 hex digits; got {self.uid[:40]!r}")
        if self.created and not _TIME.fullmatch(self.created):
            raise InputError(f"a time is written as 2027-01-31T12:00:00Z; got {self.created[:40]!r}")


@dataclass(frozen=True, slots=True)
class NewFace:
    """A face to enrol.

    Attributes:
        embedding: The unit vector and its contract.
        photo: sha256 of the photo's bytes, 64 hex digits: the same photo of the same person is one face. Left empty it
            becomes "vector:" and the sha256 of the vector.
        quality: Measures of the face, by name.
        crop: An encoded image of the aligned face to keep, sealed, for a later model; empty for none.
    """

    embedding: Embedding
    photo: str = ""
    quality: Mapping[str, float] = field(default_factory=dict)
    crop: bytes = field(default=b"", repr=False)
    origin: Origin = Origin()

    def __post_init__(self) -> None:
        if not self.photo:
            object.__setattr__(self, "photo", "vector:" + hashlib.sha256(self.embedding.vector.tobytes()).hexdigest())
        if not _PHOTO.fullmatch(self.photo):
            raise InputError(f"photo is the sha256 of a photo, 64 hex digits in lower case; got {self.photo[:80]!r}")
        for name, value in self.quality.items():
            if not isinstance(name, str) or isinstance(value, bool) or not isinstance(value, int | float):
                raise InputError(f"quality is numbers by name; got {name!r}: {value!r}")


@dataclass(frozen=True, slots=True)
class GalleryFace:
    """A face of a gallery, without its vector."""

    id: int
    uid: str
    person: str
    created: str
    photo: str
    quality: Mapping[str, float]
    has_crop: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        values = {"uid": self.uid, "created": self.created, "photo": self.photo}
        return {**values, "quality": dict(self.quality), "has_crop": self.has_crop}


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What became of a new face: its number and opaque id; ``created`` is false if the person had it already."""

    id: int
    uid: str
    created: bool

    def __bool__(self) -> bool:
        return self.created


@dataclass(frozen=True, slots=True)
class Match:
    """A person whom a search found: by the most similar of their faces."""

    person: Person
    face: str
    similarity: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"person": self.person.to_dict(), "face": self.face, "similarity": round(self.similarity, 4)}


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """A collection and what it holds.

    ``sealed_by`` is the id of the gallery's key, or "open" where the data key lies in the gallery as it is.
    """

    uid: str
    name: str
    contract: str
    embedding_size: int
    rotated: bool
    sealed_by: str
    created: str
    people: int
    faces: int
    crops: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Vectors of a collection as it compares them (rotated where it is), by rising id, at one moment.

    Attributes:
        sequence: The last change that is in it; ``changes_since`` goes on from there.
        generation: The generation of the data key; under another one everything has to be read anew.
        ids: (N,) int64, the faces.
        owners: (N,) int64, the person of each.
        vectors: (N, D) float32 unit rows.
    """

    sequence: int
    generation: int
    ids: IntArray
    owners: IntArray
    vectors: FloatArray

    def __post_init__(self) -> None:
        for name in ("ids", "owners", "vectors"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What changed in a collection: faces to put into an index, and those to take out (ids (N,) int64).

    ``complete`` is false where the changes that were asked for are not kept any more, or the data key is another one:
    then ``put`` holds all faces, and an index has to be filled anew.
    """

    put: Faces
    gone: IntArray
    complete: bool = True
