"""The vectors of another system into a collection of their own, which only that system's model can search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marginface.enrolment.imports import ForeignFace, ForeignFaces
from marginface.errors import ContractMismatch, InputError
from marginface.gallery import About, Collection, Gallery, NewFace
from marginface.gallery.names import checked_name
from marginface.values import Embedding
from marginface.words import plural

_BATCH = 500  # faces in one write
_NOTHING = About()


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did: ``bool()`` says whether every face of the file is in the gallery.

    Attributes:
        collection: where the vectors are.
        contract: what made them.
        people: how many have a face from this file.
        new: faces that were not there.
        known: faces that were.
        left_out: why rows have no face here, in words.
        remarks: what a person should know.
    """

    collection: str
    contract: str
    people: int
    new: int
    known: int
    left_out: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.left_out

    @property
    def exit_status(self) -> int:
        """0: every face is in the gallery; 3: some are not."""
        return 0 if self else 3

    def explain(self) -> str:
        """Say what was taken over, and what the vectors are good for."""
        counts = f"{plural(self.people, 'person')}: {plural(self.new, 'new face')}, {self.known:,} known"
        lines = [f"{self.collection}: {counts}, {len(self.left_out):,} left out.", *self.left_out, *self.remarks]
        lines.append(
            f"These vectors were made by {self.contract.removeprefix('foreign:')}: only that model can search them. "
            "With photos at hand, enrol those instead."
        )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        counts = {"people": self.people, "new": self.new, "known": self.known}
        named = {"collection": self.collection, "contract": self.contract, "complete": bool(self)}
        return {**named, **counts, "left_out": list(self.left_out), "remarks": list(self.remarks)}


def import_vectors(gallery: Gallery, found: ForeignFaces, collection: str, about: About = _NOTHING) -> ImportReport:
    """Put the vectors of a file into a collection of their contract; it is made if it is missing.

    A vector that a person has already is one face, so an import that was stopped is simply started again.

    Raises:
        ContractMismatch: The collection holds vectors of another model.
        InputError: The file has no vectors.
    """
    if not found.embedding_size:
        raise InputError(f"{found.source}: there are no vectors in this file; take its photos")
    home = _home(gallery, found, collection)
    left_out: list[str] = []
    people: set[str] = set()
    new = known = 0
    faces = [face for face in found.faces if face.vector is not None]
    left_out += [f"{face.photo or face.person}: no vector." for face in found.faces if face.vector is None]
    for start in range(0, len(faces), _BATCH):
        part = _by_person(faces[start : start + _BATCH], found.contract, left_out)
        for person, written in home.add_many(part, about).items():
            people.add(person)
            new += sum(one.created for one in written)
            known += sum(not one.created for one in written)
    return ImportReport(home.name, found.contract, len(people), new, known, tuple(left_out), found.remarks)


def _home(gallery: Gallery, found: ForeignFaces, name: str) -> Collection:
    clean = checked_name(name, "the name of a collection")
    if clean not in {info.name for info in gallery.collections()}:
        return gallery.create_collection(clean, contract=found.contract, embedding_size=found.embedding_size)
    home = gallery.collection(clean)
    if (home.contract, home.embedding_size) != (found.contract, found.embedding_size):
        raise ContractMismatch(
            f"collection {clean!r} holds vectors of contract {home.contract} ({home.embedding_size} numbers), those of "
            f"{found.source} are of {found.contract} ({found.embedding_size}). Say another --collection"
        )
    return home


def _by_person(faces: Sequence[ForeignFace], contract: str, left_out: list[str]) -> dict[str, list[NewFace]]:
    grouped: dict[str, list[NewFace]] = {}
    for face in faces:
        try:
            person = checked_name(face.person)
        except InputError as error:
            left_out.append(f"{face.photo or face.person!r}: {error}")
            continue
        if face.vector is not None:
            grouped.setdefault(person, []).append(NewFace(Embedding(face.vector, contract)))
    return grouped
