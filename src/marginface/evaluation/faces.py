"""The faces of a protocol, whether photos that are embedded now or embeddings that a file holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from marginface.contract import require_same_contract
from marginface.data.embedding_files import holds_embeddings, read_embeddings
from marginface.data.identification import photos_by_person
from marginface.errors import ContractMismatch, DataError
from marginface.evaluation.reading import Reader, Vectors
from marginface.images import list_images
from marginface.values import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from marginface.embedding import Embedder


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """N photos of people.

    Attributes:
        source: what they are from, in words.
        names: (N,) their places below the source; empty where nobody knows.
        people: (N,) whose they are, numbers from 0; each a person of its own where nobody knows.
        vectors: (N, D) unit rows; of a photo without a face anything.
        found: (N,) in which photos a face was found.
    """

    source: str
    names: tuple[str, ...]
    people: IntArray
    vectors: FloatArray
    found: BoolArray

    def __len__(self) -> int:
        return len(self.found)

    def part(self, chosen: IntArray) -> Faces:
        """Return some of them."""
        names = tuple(self.names[place] for place in chosen.tolist()) if self.names else ()
        vectors, found = self.vectors[chosen], self.found[chosen]
        return replace(self, names=names, people=self.people[chosen], vectors=vectors, found=found)

    @property
    def failures(self) -> tuple[str, ...]:
        """Return the names of the photos without a face."""
        return tuple(self.names[place] for place in np.flatnonzero(~self.found).tolist())


OpenFaces = Callable[[Path], Faces]


def people_faces(embedder: Embedder, reader: Reader, path: Path) -> Faces:
    """Return the faces of people: a folder with a folder of photos per person, or a file of embeddings that knows them.

    Raises:
        DataError: there are no people.
        ContractMismatch: the file was made by another model.
        ImageError: a photo cannot be decoded.
    """
    if holds_embeddings(path):
        return _stored(embedder, path, known=True)
    photos = [photo for of_person in photos_by_person(path).values() for photo in of_person]
    people = [photo.relative_to(path).parts[0] for photo in photos]
    return _embedded(embedder, reader, path, photos, people)


def any_faces(embedder: Embedder, reader: Reader, path: Path) -> Faces:
    """Return faces of anybody: a folder of photos, whatever folders are in it, or a file of embeddings.

    The errors are those of people_faces.
    """
    if holds_embeddings(path):
        return _stored(embedder, path, known=False)
    photos = list_images(path)
    if not photos:
        raise DataError(f"{path}: expected photos in this folder or below it; got none")
    return _embedded(embedder, reader, path, photos, None)


def _embedded(
    embedder: Embedder, reader: Reader, root: Path, photos: Sequence[Path], people: Sequence[str] | None
) -> Faces:
    contract = embedder.contract
    vectors, found = reader.embed(photos, Vectors(contract.id, contract.embedding_size, embedder.embed))
    names = tuple(photo.relative_to(root).as_posix() for photo in photos)
    return Faces(os.fspath(root), names, _numbers(people, len(photos)), vectors, found)


def _stored(embedder: Embedder, path: Path, *, known: bool) -> Faces:
    stored = read_embeddings(path)
    if known and not stored.people:
        raise DataError(
            f"{path}: nothing says whose embeddings these are. Of people a folder of photos is needed, or embeddings "
            "whose photos are in a folder per person: marginface embed photos/*/*.jpg --out FILE.npz"
        )
    if stored.contract:
        _require_contract(embedder, path, stored.contract)
    if stored.vectors.shape[1] != embedder.contract.embedding_size:
        raise DataError(
            f"{path}: embeddings of {embedder.card.name} have {embedder.contract.embedding_size} numbers; got "
            f"{stored.vectors.shape[1]}"
        )
    count = len(stored.vectors)
    people = _numbers(stored.people or None, count)
    return Faces(os.fspath(path), stored.names, people, stored.vectors, np.ones(count, dtype=bool))


def _require_contract(embedder: Embedder, path: Path, contract: str) -> None:
    try:
        require_same_contract(contract, embedder.contract.id)
    except ContractMismatch as error:
        raise ContractMismatch(
            f"{path}: {error} The mirror sum is part of a contract: marginface embed leaves it out unless --mirror is "
            "given, an evaluation has it unless --no-mirror is."
        ) from None


def _numbers(people: Sequence[str] | None, count: int) -> IntArray:
    if people is None:
        return np.arange(count, dtype=np.int64)
    return np.unique(np.asarray(people), return_inverse=True)[1].astype(np.int64)
