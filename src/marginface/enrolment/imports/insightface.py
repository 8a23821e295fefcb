"""InsightFace: names and vectors in a NumPy file, as its users keep them, and the database of InsightFace Server.

.npz    an array of names and one of vectors; or an array for each name
.npy    vectors (N, D), with the names in a text file of the same name, a line each
.db     insightface-server.db: collections, people, a float32 vector for each face
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginface.arrays import read_npy, read_npz
from marginface.contract import foreign_contract
from marginface.enrolment.imports.foreign import ForeignFace, ForeignFaces, checked_vector, names_of, require_maker
from marginface.errors import DataError, InputError

_NAMES = ("names", "name", "labels", "label", "people", "person", "persons", "identities", "identity", "ids", "id")
_VECTORS = ("embeddings", "embedding", "features", "feature", "feats", "feat", "vectors", "vector")
_MODEL = "buffalo_l"
_FACES = """
    SELECT persons.id, persons.name, persons.external_id, face_samples.id, face_samples.embedding
    FROM face_samples JOIN persons ON persons.id = face_samples.person_id
        AND persons.collection_id = face_samples.collection_id
    WHERE face_samples.collection_id = ? ORDER BY face_samples.rowid
"""


def read_insightface(path: Path, made_by: str = "") -> ForeignFaces:
    """Return the faces of a file with vectors of InsightFace.

    Args:
        path: .npz, .npy, or the .db of InsightFace Server.
        made_by: For NumPy files, the model pack, as buffalo_l; for a database of several collections, which one.

    Raises:
        DataError: It is none of these, or damaged.
        InputError: Nothing says which model made the vectors, or which collection is meant.
    """
    ending = path.suffix.lower()
    if ending in (".db", ".sqlite", ".sqlite3"):
        return _of_server(path, made_by)
    if ending not in (".npz", ".npy"):
        raise DataError(f"{path}: expected .npz or .npy with names and vectors, or the .db of InsightFace Server")
    contract = foreign_contract("insightface", *require_maker(made_by, path, _MODEL).split("/"))
    pairs = _of_arrays(path, read_npz(path)) if ending == ".npz" else _of_array(path)
    rows = [ForeignFace(name, checked_vector(vector, f"{path}: {name!r}")) for name, vector in pairs]
    return ForeignFaces(path, contract, tuple(rows))


def _of_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Give name and vector: of two arrays side by side, or of an array for each name."""
    named = next((arrays[key] for key in _NAMES if key in arrays), None)
    vectors = next((arrays[key] for key in _VECTORS if key in arrays), None)
    if named is not None and vectors is not None:
        yield from _side_by_side(path, named, vectors)
        return
    for name, array in arrays.items():
        if array.ndim not in (1, 2) or array.dtype.kind != "f":
            raise DataError(
                f"{path}: expected an array of names ({_NAMES[0]}) and one of vectors ({_VECTORS[0]}), or an array of "
                f"vectors for each name; got {', '.join(arrays)}"
            )
        yield from ((name, vector) for vector in np.atleast_2d(array))


def _of_array(path: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    beside = path.with_suffix(".txt")
    try:
        names = beside.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise DataError(
            f"{path}: its vectors have no names; put them into {beside.name}, a line each, in UTF-8"
        ) from None
    yield from _side_by_side(path, np.array(names, dtype=str), read_npy(path))


def _side_by_side(path: Path, names: NDArray[Any], vectors: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    if names.ndim != 1 or vectors.ndim != 2 or len(names) != len(vectors):
        raise DataError(f"{path}: expected a name for each vector (N, D); got {names.shape} and {vectors.shape}")
    yield from zip(names_of(names.tolist(), str(path)), vectors, strict=True)


def _of_server(path: Path, wanted: str) -> ForeignFaces:
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            collection, contract = _collection(connection, path, wanted)
            faces = tuple(_server_face(path, *row) for row in connection.execute(_FACES, (collection,)))
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as the database of InsightFace Server: {error}") from None
    return ForeignFaces(path, contract, faces)


def _collection(connection: sqlite3.Connection, path: Path, wanted: str) -> tuple[str, str]:
    """Return the id of a collection, and the contract of its vectors."""
    query = "SELECT id, name, model_id, model_version, preprocessing_version FROM collections ORDER BY name"
    rows = [row for row in connection.execute(query) if not wanted or wanted in row[:2]]
    if len(rows) != 1:
        known = ", ".join(str(row[0]) for row in connection.execute("SELECT name FROM collections ORDER BY name"))
        raise InputError(f"{path}: which collection? Say one by --made-by NAME. There are: {known or 'none'}")
    return rows[0][0], foreign_contract("insightface-server", *(str(part) for part in rows[0][2:]))


def _server_face(path: Path, uid: str, name: str | None, outside: str | None, face: str, content: Any) -> ForeignFace:
    if not isinstance(content, bytes) or len(content) % 4:
        raise DataError(f"{path}: face {face} has no vector of float32 numbers")
    vector = checked_vector(np.frombuffer(content, dtype="<f4"), f"{path}: face {face}")
    (person,) = names_of([name or outside or uid], f"{path}: face {face}")
    return ForeignFace(person, vector)
