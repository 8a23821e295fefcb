"""deepface: the file beside the photos in which ``DeepFace.find`` keeps its representations.

    ds_model_arcface_detector_retinaface_aligned_normalization_base_expand_0.npz (.feather, .parquet; .pkl before 2026)

Each row has the path of a photo (``identity``), a vector (``embedding``), or none where no face was found. A person is
the folder a photo lies in; of photos beside the file itself, their name without the ending.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from marginface.arrays import read_npz
from marginface.contract import foreign_contract
from marginface.data.packs.parquet import arrow_damage
from marginface.enrolment.imports.foreign import ForeignFace, ForeignFaces, checked_vector, require_maker
from marginface.errors import DataError, MissingExtra
from marginface.words import cause

_NAME = re.compile(
    r"ds_model_(?P<model>.+)_detector_(?P<detector>.+)_(?P<aligned>aligned|unaligned)_normalization_(?P<kind>.+)"
    r"_expand_(?P<expand>\d+)"
)
_Row = tuple[Any, Any]  # path of the photo, vector or None


def read_deepface(path: Path, made_by: str = "") -> ForeignFaces:
    """Return the faces of a representations file of deepface.

    Args:
        path: .npz, .feather, .parquet or, of versions before 2026, .pkl.
        made_by: The model, as ArcFace; taken from the file's name where that has it.

    Raises:
        DataError: It is no such file, or damaged.
        InputError: Nothing says which model made the vectors.
        MissingExtra: .feather and .parquet need pyarrow.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: expected a representations file of deepface: {', '.join(_READERS)}")
    rows = list(reader(path))
    faces = tuple(_face(path, number, *row) for number, row in enumerate(rows, start=1))
    without = sum(face.vector is None for face in faces)
    remarks = (f"Photos in which deepface found no face: {without:,}.",) if without else ()
    return ForeignFaces(path, _contract(path, made_by), faces, remarks)


def _contract(path: Path, made_by: str) -> str:
    found = _NAME.fullmatch(path.stem)
    if found is None or made_by:
        return foreign_contract("deepface", *require_maker(made_by, path, "ArcFace").split("/"))
    return foreign_contract("deepface", *found.groups())


def _face(path: Path, number: int, identity: Any, vector: Any) -> ForeignFace:
    if not isinstance(identity, str):
        raise DataError(f"{path}: row {number}: expected the path of a photo; got {type(identity).__name__}")
    found = None if vector is None else checked_vector(vector, f"{path}: row {number} ({identity})")
    return ForeignFace(_person(path, identity), found, identity)


def _person(path: Path, identity: str) -> str:
    """Return the folder of a photo; its own name where that is the folder of the file."""
    parts = [part for part in identity.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    folder = parts[-2] if len(parts) > 1 else ""
    if folder and folder != path.resolve().parent.name:
        return folder
    return parts[-1].rsplit(".", 1)[0] if parts else ""


def _of_npz(path: Path) -> Iterator[_Row]:
    arrays = read_npz(path)
    missing = {"identity", "embedding"} - set(arrays)
    if missing:
        raise DataError(f"{path}: no array {', '.join(sorted(missing))}; this is no representations file of deepface")
    identities, vectors = arrays["identity"], arrays["embedding"]
    there = arrays.get("has_embedding")
    flags = np.ones(len(identities), bool) if there is None else there
    if identities.ndim != 1 or vectors.ndim != 2 or not len(identities) == len(vectors) == len(flags):
        raise DataError(f"{path}: expected a row for each photo; got {identities.shape} paths, {vectors.shape} numbers")
    for identity, vector, has in zip(identities.tolist(), vectors, flags.tolist(), strict=True):
        yield identity, vector if has else None


def _of_arrow(path: Path) -> Iterator[_Row]:
    try:
        import pyarrow as pa
        from pyarrow import feather, parquet
    except ImportError:
        raise MissingExtra(f'{path}: this file needs pyarrow: pip install "marginface[data]"') from None
    read = parquet.read_table if path.suffix.lower() == ".parquet" else feather.read_table
    try:
        table = read(path, columns=["identity", "embedding"])
        table.validate(full=True)  # Feather is read as it lies: an offset beyond its end would end this process
        rows = zip(table.column("identity").to_pylist(), table.column("embedding").to_pylist(), strict=True)
    except arrow_damage(pa) as error:
        raise DataError(f"{path}: damaged, or no representations file of deepface: {cause(error)}") from None
    yield from rows


def _of_pickle(path: Path) -> Iterator[_Row]:
    from marginface.data.pickles.records import read_pickled_records

    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot open this file: {error.strerror}") from None
    for number, record in enumerate(read_pickled_records(content, str(path)), start=1):
        yield _pickled_row(path, number, record)


def _pickled_row(path: Path, number: int, record: Mapping[str, Any] | Sequence[Any]) -> _Row:
    """Return path and vector of a record: a dict, or before 2024 a list of both."""
    if isinstance(record, Mapping) and {"identity", "embedding"} <= record.keys():
        return record["identity"], record["embedding"]
    if not isinstance(record, Mapping) and len(record) == 2:
        return record[0], record[1]
    raise DataError(f"{path}: row {number} has no identity and embedding; this is no representations file of deepface")


_READERS: dict[str, Callable[[Path], Iterator[_Row]]] = {
    ".npz": _of_npz,
    ".feather": _of_arrow,
    ".parquet": _of_arrow,
    ".pkl": _of_pickle,
}
