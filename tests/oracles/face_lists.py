"""Faces of a protocol made of vectors, without a photo, and the embedder that made them by name alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from marginface.contract import Contract, ModelCard
from marginface.evaluation.reading import FaceList, Faces
from marginface.values import FloatArray, IntArray

CARD = ModelCard(name="drawn", file="x.onnx", sha256="0" * 64, license="none", embedding_size=4)


@dataclass
class Named:
    """Stands in for an embedder whose embeddings are there already."""

    card: ModelCard = CARD
    contract: Contract = field(default_factory=lambda: CARD.contract(mirror=True))


def drawn_faces(people: IntArray, seed: int, size: int = 4, *, spread: float = 0.6, lost: float = 0.0) -> Faces:
    """Photos about a direction of each person; a share of them without a face."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(int(people.max(initial=0)) + 1, size))
    vectors = centers[people] + spread * rng.normal(size=(len(people), size))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    names = tuple(f"{person}/{row}.jpg" for row, person in enumerate(people.tolist()))
    found = rng.random(len(people)) >= lost
    return Faces(f"drawn {seed}", names, people, np.where(found[:, None], vectors, 0), found)


def vectors_of(faces: Faces) -> list[list[float] | None]:
    """The vectors as lists, None of a photo without a face."""
    rows: list[FloatArray] = list(faces.vectors)
    return [row.astype(float).tolist() if ok else None for row, ok in zip(rows, faces.found, strict=True)]


def listed(faces: Faces) -> FaceList:
    """The list that such faces are of."""
    return FaceList(faces.source, faces.names, faces.people, vectors=faces.vectors)
