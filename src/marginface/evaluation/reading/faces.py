"""The faces of a protocol, whether photos that are embedded or embeddings that a file holds.

A list says whose photos there are before anything is embedded, so that what cannot be scored is refused before the
work.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from marginface.contract import require_same_contract
from marginface.data.embedding_files import StoredEmbeddings, holds_embeddings, read_embeddings
from marginface.data.identification.photos import photos_by_person
from marginface.data.pairs.grouped import numbered
from marginface.errors import ContractMismatch, DataError
from marginface.evaluation.reading.reader import Reader, Vectors
from marginface.images import list_images
from marginface.values import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from marginface.embedding import Embedder


@dataclass(frozen=True, slots=True, eq=False)
class FaceList:
    """N photos of people that are not embedded yet, or whose embeddings are stored.

    Attributes:
        source: what they are from, in words.
        names: (N,) their places below the source; empty where nobody knows.
        people: (N,) whose they are, numbers from 0; each a person of its own where nobody knows.
        photos: (N,) files; empty where embeddings are stored.
        vectors: (N, D) unit rows; None where they are to be made.
        contract: of the stored embeddings; "" where nobody knows.
    """

    source: str
    names: tuple[str, ...]
    people: IntArray
    photos: tuple[Path, ...] = ()
    vectors: FloatArray | None = None
    contract: str = ""

    def part(self, chosen: IntArray) -> FaceList:
        """Return some of them."""
        names, photos = (
            tuple(values[place] for place in chosen.tolist()) if values else () for values in (self.names, self.photos)
        )
        vectors = None if self.vectors is None else self.vectors[chosen]
        return replace(self, names=names, people=self.people[chosen], photos=photos, vectors=vectors)

    def faces(self, embedder: Embedder, reader: Reader) -> Faces:
        """Return the faces: photos are embedded now.

        Raises:
            ContractMismatch: the stored embeddings are of another model or another mirror sum.
            DataError: they have other numbers, or an aligned crop has another size.
            ImageError: a photo cannot be decoded.
        """
        contract = embedder.contract
        if self.vectors is None:
            vectors, found = reader.embed(self.photos, Vectors.of(embedder))
            return Faces(self.source, self.names, self.people, vectors, found)
        if self.contract:
            _require_contract(self.source, self.contract, contract.id)
        if self.vectors.shape[1] != contract.embedding_size:
            raise DataError(
                f"{self.source}: embeddings of {embedder.card.name} have {contract.embedding_size} numbers; got "
                f"{self.vectors.shape[1]}"
            )
        return Faces(self.source, self.names, self.people, self.vectors, np.ones(len(self.people), dtype=bool))


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """N photos of people, embedded: ``source``, ``names`` and ``people`` are those of their list.

    Attributes:
        source: what they are from, in words.
        names: (N,) their places below the source; empty where nobody knows.
        people: (N,) whose they are, numbers from 0.
        vectors: (N, D) unit rows; zeros of a photo without a face.
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


def list_people(path: Path) -> FaceList:
    """Return the photos of people: a folder with a folder of photos per person, or a file of embeddings of such.

    Raises:
        DataError: there are no people.
    """
    source = os.fspath(path)
    if holds_embeddings(path):
        stored = read_embeddings(path)
        if not stored.people:
            raise DataError(
                f"{path}: nothing says whose embeddings these are. Of people a folder of photos is needed, or "
                "embeddings of photos that are in a folder per person: marginface embed photos/*/*.jpg --out FILE.npz"
            )
        return _stored(source, stored, numbered(stored.people))
    photos = [photo for of_person in photos_by_person(path).values() for photo in of_person]
    people = numbered([photo.relative_to(path).parts[0] for photo in photos])
    return FaceList(source, _below(path, photos), people, tuple(photos))


def list_anybody(path: Path) -> FaceList:
    """Return photos of anybody: a folder of photos, whatever folders are in it, or a file of embeddings.

    Raises:
        DataError: there are none.
    """
    source = os.fspath(path)
    if holds_embeddings(path):
        stored = read_embeddings(path)
        return _stored(source, stored, np.arange(len(stored.vectors), dtype=np.int64))
    photos = list_images(path)
    if not photos:
        raise DataError(f"{path}: expected photos in this folder or below it; got none")
    return FaceList(source, _below(path, photos), np.arange(len(photos), dtype=np.int64), tuple(photos))


def _stored(source: str, stored: StoredEmbeddings, people: IntArray) -> FaceList:
    return FaceList(source, stored.names, people, vectors=stored.vectors, contract=stored.contract)


def _below(root: Path, photos: Sequence[Path]) -> tuple[str, ...]:
    return tuple(photo.relative_to(root).as_posix() for photo in photos)


def _require_contract(source: str, stored: str, wanted: str) -> None:
    try:
        require_same_contract(stored, wanted)
    except ContractMismatch as error:
        raise ContractMismatch(
            f"{source}: {error} The mirror sum is part of a contract: marginface embed leaves it out unless --mirror "
            "is given, an evaluation has it unless --no-mirror is."
        ) from None
