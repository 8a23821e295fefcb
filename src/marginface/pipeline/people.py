"""What a search is made in: a small Protocol, and the one that lives in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from marginface.contract import require_same_contract
from marginface.errors import ContractMismatch, InputError
from marginface.pipeline.photos import EmbeddedPhoto
from marginface.similarity import top_k
from marginface.values import Candidate, Embedding, FloatArray, IntArray, frozen
from marginface.words import plurals


class Searchable(Protocol):
    """Known people that a face can be compared with: KnownPeople, a gallery."""

    @property
    def contract(self) -> str:
        """The id of the contract that all its embeddings were made under."""
        ...

    def comparisons(self) -> int:
        """Return with how many faces a search compares one probe."""
        ...

    def nearest(self, probes: Sequence[Embedding], k: int) -> Sequence[tuple[Candidate, ...]]:
        """Return the k people most similar to each probe, best first, each by the nearest of their faces.

        Args:
            probes: embeddings of the same contract.
            k: how many people; fewer come where fewer are known.
        """
        ...


def require_searchable(people: Searchable, contract: str) -> None:
    """Refuse what is no known people, or whom another recognizer has embedded.

    Raises:
        InputError: It is something else, as a gallery or the names alone.
        ContractMismatch: Their contract is another.
    """
    if not hasattr(people, "nearest"):
        raise InputError(
            "known people are what Recognizer.enrol gives, or marginface.enrolment.CollectionPeople(collection) of a "
            f"gallery; got {type(people).__name__}"
        )
    if people.contract != contract:
        raise ContractMismatch(
            f"the known people were embedded under contract {people.contract}, this recognizer has {contract}: another "
            "model, detector or preprocessing. Enrol them again with this recognizer."
        )


@dataclass(frozen=True, eq=False)
class KnownPeople:
    """A Searchable in memory, made by Recognizer.enrol.

    Attributes:
        contract: the id of what the embeddings were made with.
        people: the person of each row (N,).
        faces: what each row was made from, a path mostly.
        vectors: unit rows (N, D).
        outcomes: what came of each photo, by person; one that gave nothing says why.
    """

    contract: str
    people: tuple[str, ...]
    faces: tuple[str, ...]
    vectors: FloatArray
    outcomes: Mapping[str, tuple[EmbeddedPhoto, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or not len(self.vectors) == len(self.people) == len(self.faces):
            raise InputError(
                f"each row has its person and its face; got {self.vectors.shape} numbers, {len(self.people)} people "
                f"and {len(self.faces)} faces"
            )
        object.__setattr__(self, "vectors", frozen(self.vectors))

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, person: object) -> bool:
        return person in self._names

    @property
    def left_out(self) -> tuple[str, ...]:
        """The people of whom no photo was usable."""
        return tuple(person for person in self.outcomes if person not in self)

    def comparisons(self) -> int:
        """Return the number of faces."""
        return len(self.vectors)

    def nearest(self, probes: Sequence[Embedding], k: int) -> tuple[tuple[Candidate, ...], ...]:
        """Return the k most similar people of each probe, exactly; see Searchable.nearest.

        Raises:
            ContractMismatch: A probe is of another contract.
        """
        if k < 1:
            raise InputError(f"k is at least 1; got {k}")
        for probe in probes:
            require_same_contract(self.contract, probe.contract)
        if not len(self.vectors) or not probes:
            return ((),) * len(probes)
        vectors = np.stack([probe.vector for probe in probes])
        rows, likeness = top_k(vectors, self.vectors, k * self._most_faces)
        return tuple(self._candidates(*row, k) for row in zip(rows, likeness, strict=True))

    def explain(self) -> str:
        """Say how many people and faces there are, and what was left out."""
        lines = [f"{plurals((len(self), 'person'), (len(self.vectors), 'face'))}."]
        lines += [f"{person}: no usable photo." for person in self.left_out]
        photos = [photo for photos in self.outcomes.values() for photo in photos if not photo]
        return "\n".join([*lines, *(photo.explain() for photo in photos)])

    @cached_property
    def _names(self) -> dict[str, int]:
        """How many faces each person has."""
        names, counts = np.unique(np.array(self.people, dtype=object), return_counts=True)
        return dict(zip(names.tolist(), counts.tolist(), strict=True))

    @property
    def _most_faces(self) -> int:
        """Among so many times k faces there are always those of k people."""
        return max(self._names.values())

    def _candidates(self, rows: IntArray, likeness: FloatArray, k: int) -> tuple[Candidate, ...]:
        best: dict[str, Candidate] = {}
        for row, similarity in zip(rows.tolist(), likeness.tolist(), strict=True):
            person = self.people[row]
            best.setdefault(person, Candidate(person, similarity, self.faces[row]))
        return tuple(best.values())[:k]


def known_people(contract: str, size: int, outcomes: Mapping[str, tuple[EmbeddedPhoto, ...]]) -> KnownPeople:
    """Return the people of photos that were embedded under one contract, ``size`` numbers a face."""
    found = [
        (person, photo.photo, face.embedding.vector)
        for person, photos in outcomes.items()
        for photo in photos
        for face in photo.usable
    ]
    vectors = np.zeros((len(found), size), np.float32)
    for row, (_, _, vector) in zip(vectors, found, strict=True):
        row[:] = vector
    people, faces = tuple(one[0] for one in found), tuple(one[1] for one in found)
    return KnownPeople(contract, people, faces, vectors, dict(outcomes))
