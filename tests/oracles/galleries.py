"""A gallery as plain dictionaries: slow, in memory, obvious."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from marginface.gallery import Collection, NewFace
from marginface.values import DoubleArray, Embedding

CONTRACT = "0123456789abcdef"
OTHER_CONTRACT = "fedcba9876543210"
SIZE = 16

FaceMaker = Callable[..., NewFace]  # the fixture ``face``: (photo, *, size=, contract=, crop=) → a new face


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def unit(chance: np.random.Generator, size: int = SIZE) -> DoubleArray:
    vector = chance.standard_normal(size)
    return np.asarray(vector / np.linalg.norm(vector))


def new_face(
    chance: np.random.Generator, photo: str, *, size: int = SIZE, contract: str = CONTRACT, crop: bytes = b""
) -> NewFace:
    """A face with a random vector, of the photo with this name."""
    embedding = Embedding(unit(chance, size).astype(np.float32), contract)
    return NewFace(embedding, sha(photo), {"sharpness": 0.5}, crop)


class PlainGallery:
    """name → photo → vector; the verbs of a Collection."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, DoubleArray]] = {}

    def add_many(self, faces: dict[str, list[NewFace]]) -> None:
        for name, theirs in faces.items():
            person = self.people.setdefault(name, {})
            for face in theirs:
                person.setdefault(face.photo, face.embedding.vector.astype(np.float64))

    def delete(self, name: str) -> None:
        del self.people[name]

    def rename(self, name: str, new: str) -> None:
        self.people[new] = self.people.pop(name)

    def merge(self, source: str, target: str) -> None:
        for photo, vector in self.people.pop(source).items():
            self.people[target].setdefault(photo, vector)

    def nearest(self, probe: DoubleArray, k: int) -> list[tuple[str, float]]:
        """The k people with the best cosine, over all their faces."""
        best = {
            name: max(float(vector @ probe) for vector in faces.values())
            for name, faces in self.people.items()
            if faces
        }
        return sorted(best.items(), key=lambda pair: -pair[1])[:k]

    def state(self) -> dict[str, set[str]]:
        return {name: set(faces) for name, faces in self.people.items()}


def state_of(collection: Collection) -> dict[str, set[str]]:
    """What a collection holds: name → photos."""
    return {person.name: {face.photo for face in collection.faces(person)} for person in collection.people()}
