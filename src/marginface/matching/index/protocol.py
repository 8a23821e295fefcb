"""What an index is: faces as unit vectors under integer ids, and the search for the most similar ones.

An index holds one collection of one contract. It is not the truth: it can be thrown away and filled again from the
gallery. An id names a face, an owner names the person the face belongs to; both are whole numbers from 0 on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from marginface.errors import ContractMismatch, InputError
from marginface.values import LENGTH_ERROR, FloatArray, IntArray, frozen

NOBODY = -1  # the id in a place of Hits that stays empty


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """What P searches found, best first; of equal similarities the lower id comes first.

    Attributes:
        ids: (P, k) int64 faces; −1 where there were fewer than k.
        similarities: (P, k) float32 cosines in [−1, 1]; −∞ where there were fewer than k.
    """

    ids: IntArray
    similarities: FloatArray

    def __post_init__(self) -> None:
        if self.ids.ndim != 2 or self.ids.shape != self.similarities.shape:
            raise InputError(f"hits are two arrays (P, k); got {self.ids.shape} and {self.similarities.shape}")
        object.__setattr__(self, "ids", frozen(self.ids))
        object.__setattr__(self, "similarities", frozen(self.similarities))


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """All that an index held at one moment, by rising id: ids (N,), owners (N,) and unit vectors (N, D) float32.

    An index that stores its vectors shorter than float32 gives what it stores.
    """

    ids: IntArray
    owners: IntArray
    vectors: FloatArray

    def __len__(self) -> int:
        return len(self.ids)

    def sample(self, count: int, seed: int = 0) -> Snapshot:
        """Return ``count`` of the faces at random, or all if there are not so many."""
        rows = np.sort(np.random.default_rng(seed).permutation(len(self))[:count])
        return Snapshot(self.ids[rows], self.owners[rows], self.vectors[rows])


class VectorIndex(Protocol):
    """Faces by similarity. Implementations may be used by several threads at once.

    A write that has returned is seen by every later search; one that raises has changed nothing.
    """

    @property
    def embedding_size(self) -> int:
        """How many numbers a vector has."""
        ...

    def upsert(self, ids: IntArray, vectors: FloatArray, owners: IntArray) -> None:
        """Add faces; an id that is there already gets the new vector and owner.

        Args:
            ids: (N,) different ids.
            vectors: (N, D) unit rows.
            owners: (N,) the person of each face.

        Raises:
            InputError: Other shapes, an id twice or below 0, a vector that is not finite or not of length 1.
            StorageError: No memory, or the server cannot be reached or has no space.
        """
        ...

    def delete(self, ids: IntArray) -> None:
        """Remove faces (N,); an id that is not there is no error, so that a delete can be done again."""
        ...

    def search(self, probes: FloatArray, k: int, *, owners: IntArray | None = None, exact: bool = False) -> Hits:
        """Return the k faces most similar to each probe.

        Args:
            probes: (P, D) unit rows.
            k: At least 1.
            owners: (M,) search only the faces of these persons; without it all. k of them are found, if they are there.
            exact: Compare every face, where the index would otherwise take a shortcut that may miss one.

        Raises:
            InputError: Other shapes, a probe that is not finite or not of length 1.
        """
        ...

    def count(self) -> int:
        """Return how many faces there are."""
        ...

    def snapshot(self) -> Snapshot:
        """Return a copy of all faces, to compare with the truth or to fill another index."""
        ...

    def close(self) -> None:
        """Give back memory and connections; the index is of no use afterwards. Closing twice is no error."""
        ...


class ServerIndex(VectorIndex, Protocol):
    """A VectorIndex that is a collection in a server, and outlives the process."""

    def drop(self) -> None:
        """Remove the collection and all its faces from the server; its name is free again."""
        ...


def checked_ids(ids: IntArray, name: str = "ids") -> IntArray:
    """Return whole numbers (N,) from 0 on as int64, or raise InputError."""
    array = np.asarray(ids)
    if array.ndim == 1 and array.size == 0:
        return array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(f"{name} are whole numbers (N,); got {array.dtype} {array.shape}")
    if int(array.min()) < 0 or int(array.max()) >= 2**63:
        raise InputError(f"{name} are from 0 to 2**63 − 1; got {int(array.min())} to {int(array.max())}")
    return array.astype(np.int64)


def checked_rows(
    ids: IntArray, vectors: FloatArray, owners: IntArray, embedding_size: int
) -> tuple[IntArray, FloatArray, IntArray]:
    """Return what an upsert is given as int64, float32 and int64, or raise InputError."""
    faces, persons = checked_ids(ids), checked_ids(owners, "owners")
    rows = checked_vectors(vectors, embedding_size)
    if not len(faces) == len(persons) == len(rows):
        raise InputError(
            f"an upsert has one id, vector and owner per face; got {len(faces)} ids, {len(rows)} vectors, "
            f"{len(persons)} owners"
        )
    if len(np.unique(faces)) < len(faces):
        raise InputError("the ids of one upsert are different; got one twice: which of its vectors is to stay?")
    return faces, rows, persons


def checked_vectors(vectors: FloatArray, embedding_size: int, name: str = "vectors") -> FloatArray:
    """Return finite unit rows (N, D) as float32, or raise InputError."""
    rows = np.asarray(vectors)
    if rows.ndim != 2 or rows.shape[1] != embedding_size or rows.dtype.kind != "f":
        hint = f" One vector is {name}[np.newaxis]." if rows.ndim == 1 else ""
        raise InputError(f"{name} are floats (N, {embedding_size}); got {rows.dtype} {rows.shape}.{hint}")
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= LENGTH_ERROR))
    if len(wrong):
        raise InputError(
            f"{name} are finite and of length 1; row {wrong[0]} has length {lengths[wrong[0]]:.4g} "
            f"({len(wrong)} of {len(rows)} rows). similarity.l2_normalize makes unit rows"
        )
    return rows


def checked_search(
    probes: FloatArray, k: int, owners: IntArray | None, embedding_size: int
) -> tuple[FloatArray, IntArray | None]:
    """Return the probes as float32 and the owners as int64, or raise InputError."""
    if k < 1:
        raise InputError(f"k is at least 1; got {k}")
    persons = None if owners is None else checked_ids(owners, "owners")
    return checked_vectors(probes, embedding_size, "probes"), persons


def padded(ids: IntArray, similarities: FloatArray, k: int) -> Hits:
    """Return (P, ≤ k) findings as Hits of k columns."""
    missing = ((0, 0), (0, k - ids.shape[1]))
    return Hits(
        np.pad(ids, missing, constant_values=NOBODY), np.pad(similarities, missing, constant_values=np.float32(-np.inf))
    )


def require_collection(name: str, found: tuple[str, int], wanted: tuple[str, int]) -> None:
    """Raise ContractMismatch if a collection of a server is of another contract or embedding size than is wanted."""
    if found != wanted:
        raise ContractMismatch(
            f"collection {name!r} holds vectors of contract {found[0]} with {found[1]} numbers; this gallery's are of "
            f"contract {wanted[0]} with {wanted[1]}. Vectors of two contracts cannot be compared: open it with the "
            "model it was made with, or choose another name for a new collection"
        )
