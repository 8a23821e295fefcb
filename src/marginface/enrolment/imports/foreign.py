"""What another system kept: people, and for each of their faces a vector, a photo, or both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from marginface.enrolment.sources import PersonPhoto
from marginface.errors import DataError, InputError
from marginface.files import is_file
from marginface.similarity import l2_normalize
from marginface.values import FloatArray

_LARGEST_SIZE = 8192  # numbers of a vector


@dataclass(frozen=True, slots=True)
class ForeignFace:
    """A face of another system.

    Attributes:
        person: whose it is, as the system says; empty if it does not.
        vector: as the system kept it, of any length; None where it has none.
        photo: where the photo was, or what it is called.
        content: the photo itself, where it was kept.
    """

    person: str
    vector: FloatArray | None
    photo: str = ""
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class ForeignFaces:
    """All faces of a file of another system.

    Attributes:
        source: the file.
        contract: the id that says what made the vectors (contract.foreign_contract); empty where there are none.
        faces: in the order of the file.
        remarks: what a person should know.
    """

    source: Path
    contract: str
    faces: tuple[ForeignFace, ...]
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        sizes = {len(face.vector) for face in self.faces if face.vector is not None}
        if len(sizes) > 1:
            raise DataError(f"{self.source}: vectors of {sorted(sizes)} numbers in one file: several models made them")

    @property
    def embedding_size(self) -> int:
        """How many numbers a vector has; 0 if there is none."""
        return next((len(face.vector) for face in self.faces if face.vector is not None), 0)

    def photos(self, folder: Path | None) -> list[PersonPhoto]:
        """Return the photos that are there: kept in the file, or at the place it names.

        Args:
            folder: Where photos are looked for whose path is not found from here; None for the folder of the file.
        """
        root = self.source.parent if folder is None else folder
        found = []
        for face in self.faces:
            if face.content:
                found.append(PersonPhoto(face.person, Path(face.photo), face.content))
            elif face.photo:
                found.append(PersonPhoto(face.person, _place(face.photo, root)))
        return found


def _place(photo: str, root: Path) -> Path:
    """Return where a photo is: as it is named, or below the root by as much of the path as is found there."""
    parts = [part for part in photo.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    below = (root.joinpath(*parts[start:]) for start in range(len(parts)))
    return next((place for place in (Path(photo), *below) if is_file(place)), Path(photo))


def checked_vector(values: Any, where: str) -> FloatArray:
    """Return a vector as unit float32; raise DataError if it is none that has a direction."""
    if isinstance(values, list | tuple):
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            raise DataError(f"{where}: expected a vector, numbers in a list")
        values = np.array(values, dtype=np.float64) if len(values) <= _LARGEST_SIZE else np.empty(0)
    vector = np.asarray(values)
    if vector.ndim != 1 or vector.dtype.kind not in "fiu" or not 2 <= len(vector) <= _LARGEST_SIZE:
        raise DataError(
            f"{where}: expected a vector of 2 to {_LARGEST_SIZE} numbers; got {vector.dtype} {vector.shape}"
        )
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not math.isfinite(length) or length == 0:
        raise DataError(f"{where}: this vector has no direction: its length is {length}")
    return l2_normalize(vector.astype(np.float64))


def require_maker(made_by: str, source: Path, example: str) -> str:
    """Return what made the vectors, which a file does not say; raise InputError if nobody said it."""
    if not made_by:
        raise InputError(
            f"{source}: this file does not say which model made its vectors, and vectors of two models cannot be "
            f"compared. Say it: --made-by {example}"
        )
    return made_by


def names_of(values: Sequence[Any], where: str) -> list[str]:
    """Return names as text; raise DataError for what is none."""
    names = [value.item() if isinstance(value, np.generic) else value for value in values]
    if not all(isinstance(name, str | int) and not isinstance(name, bool) for name in names):
        raise DataError(f"{where}: expected names, texts or numbers")
    return [str(name) for name in names]
