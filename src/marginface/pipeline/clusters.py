"""Clusters: the faces of many photos in groups, each of which may be one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from marginface.defaults import DEFAULT_FMR
from marginface.matching.cluster import cluster, require_can_group
from marginface.metrics import size_of_search
from marginface.pipeline.photos import EmbeddedFace, EmbeddedPhoto
from marginface.pipeline.rules import Calibrated
from marginface.reasons import Remark
from marginface.similarity import l2_normalize
from marginface.values import DoubleArray, FloatArray, IntArray, Threshold


@dataclass(frozen=True, slots=True, eq=False)
class ClusteredFace:
    """A face of a group: its photo, which of its usable faces it is, and how much it is like the group.

    ``photo`` is the place of the photo in ``Clusters.photos``; ``likeness`` the cosine with the mean direction of the
    group.
    """

    photo: int
    used: EmbeddedFace
    likeness: float


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """The faces of photos in groups: the largest first, in a group the most typical face first.

    A face without company is a group of one.

    Attributes:
        photos: what came of each photo.
        groups: the groups.
        similarity: the mean similarity at which groups were joined.
        threshold: where it comes from; None: it was asked for.
        contract: the id of what the embeddings were made with.
        remarks: what is to be known of the threshold.
    """

    photos: tuple[EmbeddedPhoto, ...]
    groups: tuple[tuple[ClusteredFace, ...], ...]
    similarity: float
    threshold: Threshold | None
    contract: str
    remarks: tuple[Remark, ...] = ()

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def with_company(self) -> tuple[tuple[ClusteredFace, ...], ...]:
        """The groups of two faces or more; the others come after them."""
        return tuple(group for group in self.groups if len(group) > 1)

    @property
    def left_out(self) -> tuple[EmbeddedPhoto, ...]:
        """The photos that gave no usable face."""
        return tuple(photo for photo in self.photos if not photo)

    def name(self, face: ClusteredFace) -> str:
        """Return the photo of a face."""
        return self.photos[face.photo].photo

    def explain(self) -> str:
        """Say how many groups there are, at which threshold, and which photos gave nothing."""
        faces = sum(len(group) for group in self.groups)
        alone = len(self.groups) - len(self.with_company)
        origin = "That was asked for." if self.threshold is None else self.threshold.explain()
        lines = [
            f"Photos: {len(self.photos):,}. Faces: {faces:,}. Groups of two or more: {len(self.with_company):,}. Faces "
            f"without company: {alone:,}.",
            f"Groups were joined at a mean similarity of {self.similarity:.3f}. {origin}",
        ]
        reasons = [remark.text for photo in self.left_out for remark in photo.reasons]
        return "\n".join([*lines, *reasons, *(remark.text for remark in self.remarks)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the embeddings."""
        return {
            "groups": [[self._plain(face) for face in group] for group in self.groups],
            "similarity": round(self.similarity, 4),
            "threshold": None if self.threshold is None else self.threshold.explain(),
            "contract": self.contract,
            "left_out": [photo.to_dict() for photo in self.left_out],
            "reasons": [remark.text for remark in self.remarks],
            "codes": [remark.reason.value for remark in self.remarks],
        }

    def _plain(self, face: ClusteredFace) -> dict[str, Any]:
        photo = self.photos[face.photo]
        return {
            "photo": photo.photo,
            "faces_found": photo.faces_found,
            "likeness": round(face.likeness, 4),
            **face.used.face.to_dict(),
        }


def threshold_among(thresholds: Calibrated, fpir: float, faces: int) -> Threshold:
    """Return the threshold at which a face that is alone finds one of ``faces`` − 1 others by chance, this often.

    Among few faces that would be a lax one: the false-match rate is never above that of verify.
    """
    return thresholds.identification_threshold(fpir, max(faces - 1, size_of_search(fpir, DEFAULT_FMR), 1))


def require_groupable(thresholds: Calibrated, fpir: float, similarity: float | None) -> None:
    """Raise what is known to be wrong before there are faces: the rate, the similarity, scipy that is missing."""
    require_can_group(threshold_among(thresholds, fpir, 1).similarity if similarity is None else similarity)


def clusters_of(
    photos: Sequence[EmbeddedPhoto],
    similarity: float,
    threshold: Threshold | None,
    contract: str,
    remarks: tuple[Remark, ...] = (),
) -> Clusters:
    """Group the usable faces of photos; of one photo they are different people as a rule (matching.cluster)."""
    faces = [(number, face) for number, photo in enumerate(photos) for face in photo.usable]
    size = len(faces[0][1].embedding.vector) if faces else 1
    vectors = np.array([face.embedding.vector for _, face in faces], np.float32).reshape(len(faces), size)
    own = np.array([number for number, _ in faces], np.int64)
    found = cluster(vectors, similarity, photos=own)
    groups = tuple(_typical_first(faces, vectors, rows) for rows in found.groups())
    return Clusters(tuple(photos), groups, similarity, threshold, contract, remarks)


def _typical_first(
    faces: Sequence[tuple[int, EmbeddedFace]], vectors: FloatArray, rows: IntArray
) -> tuple[ClusteredFace, ...]:
    likeness = _likeness(vectors[rows])
    order = np.argsort(-likeness, kind="stable")
    ranked = [(faces[rows[place]], float(likeness[place])) for place in order]
    return tuple(ClusteredFace(photo, used, value) for (photo, used), value in ranked)


def _likeness(vectors: FloatArray) -> DoubleArray:
    """Return the cosines (n,) with the mean direction; 0 where the vectors have none."""
    total = vectors.sum(axis=0, dtype=np.float64)
    if np.linalg.norm(total) < 1e-6:
        return np.zeros(len(vectors))
    return np.clip(vectors.astype(np.float64) @ l2_normalize(total), -1, 1)
