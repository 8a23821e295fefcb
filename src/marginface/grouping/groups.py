"""Faces → groups, each with its most typical face first, and their record as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from marginface.errors import DataError
from marginface.files import json_bytes, write_whole
from marginface.grouping.faces import FoundFace, FoundFaces
from marginface.matching.cluster import cluster
from marginface.similarity import l2_normalize

RECORD = "groups.json"
_HEAD = {"marginface": "groups of faces", "version": 1}


@dataclass(frozen=True, slots=True, eq=False)
class GroupedFace:
    """A face of a group and its similarity to the mean direction of the group."""

    found: FoundFace
    likeness: float


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Faces that may be one person, the most typical first; ``number`` counts groups from 1, the largest first."""

    number: int
    faces: tuple[GroupedFace, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """What became of a folder of photos.

    Attributes:
        folder: The photos.
        groups: Groups of two faces or more, then the faces without company, each a group of one.
        threshold: The mean similarity at which groups were joined.
        origin: Where the threshold comes from, in words.
        contract: Id of what the faces were embedded with.
        photos: How many photos there are.
        left_out: Photos that gave no face, with the reason.
    """

    folder: str
    groups: tuple[Group, ...]
    threshold: float
    origin: str
    contract: str
    photos: int
    left_out: Mapping[str, str]

    def with_company(self) -> tuple[Group, ...]:
        """Return the groups of two faces or more."""
        return tuple(group for group in self.groups if len(group.faces) > 1)

    def alone(self) -> tuple[Group, ...]:
        """Return the faces without company."""
        return tuple(group for group in self.groups if len(group.faces) == 1)

    def summary(self) -> str:
        """Say in a few lines what was found."""
        faces = sum(len(group.faces) for group in self.groups)
        lines = [
            f"{self.photos:,} photos, {faces:,} faces: {len(self.with_company()):,} groups, {len(self.alone()):,} "
            f"faces without company. Groups were joined at similarity {self.threshold:.3f} ({self.origin})."
        ]
        shown = [f"    {photo}: {reason}" for photo, reason in list(self.left_out.items())[:3]]
        if shown:
            more = [f"    … {len(self.left_out) - 3:,} more, all in {RECORD}"] if len(self.left_out) > 3 else []
            lines += [f"{len(self.left_out):,} photos gave no face:", *shown, *more]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without pictures and embeddings."""
        return {
            **_HEAD,
            "folder": self.folder,
            "contract": self.contract,
            "threshold": round(self.threshold, 4),
            "threshold_origin": self.origin,
            "photos": self.photos,
            "groups": [
                {"group": group.number, "faces": [_plain(face) for face in group.faces]} for group in self.groups
            ],
            "left_out": dict(self.left_out),
        }

    def write(self, folder: Path) -> Path:
        """Write the record, whole or not at all; return its path."""
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
        return write_whole(folder / RECORD, lambda stream: stream.write(json_bytes(text + "\n")))


def group_faces(found: FoundFaces, threshold: float, *, folder: str, origin: str, contract: str) -> Grouping:
    """Group the faces of a folder; of one photo they are several people as a rule (matching.cluster)."""
    clusters = cluster(found.vectors, threshold, photos=found.photo_numbers())
    groups = tuple(
        Group(number, _typical_first(found, faces)) for number, faces in enumerate(clusters.groups(), start=1)
    )
    return Grouping(folder, groups, threshold, origin, contract, found.photos, found.left_out)


def read_record(folder: Path) -> list[tuple[int, list[dict[str, Any]]]]:
    """Return number and faces of each group that an earlier run wrote to a folder.

    Raises:
        DataError: There is none, or it is not what ``Grouping.write`` writes.
    """
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if {key: record.get(key) for key in _HEAD} != _HEAD:
            raise DataError(f"{path}: not a record of groups; marginface cluster PHOTOS --out {folder} writes one")
        return [(int(group["group"]), list(group["faces"])) for group in record["groups"]]
    except FileNotFoundError:
        raise DataError(f"{path}: no groups yet; marginface cluster PHOTOS --out {folder} makes them") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: not a record of groups: {error}") from None


def _typical_first(found: FoundFaces, faces: Any) -> tuple[GroupedFace, ...]:
    vectors = found.vectors[faces]
    likeness = vectors @ l2_normalize(vectors.sum(axis=0)) if np.abs(vectors.sum(axis=0)).any() else vectors[:, 0] * 0
    order = np.argsort(-likeness, kind="stable")
    return tuple(GroupedFace(found.faces[faces[place]], float(likeness[place])) for place in order)


def _plain(face: GroupedFace) -> dict[str, Any]:
    found = face.found
    return {
        "photo": found.photo,
        "faces_in_photo": found.faces_in_photo,
        "likeness": round(face.likeness, 4),
        **found.face.to_dict(),
    }
