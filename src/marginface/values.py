"""The values that travel between the steps: frozen, and checked when made.

Arrays inside a value are read-only. Coordinates are float pixels, x to the right, y down, origin at the outer corner of
the top-left pixel; "left" and "right" are as seen in the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginface.errors import DataError, InputError
from marginface.words import about

ImageArray = NDArray[np.uint8]  # RGB uint8: one image (H, W, 3) or crops (N, S, S, 3)
FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view of an array."""
    view = array.view()
    view.setflags(write=False)
    return view


def check_image(image: ImageArray, name: str = "image") -> ImageArray:
    """Return the image if it is RGB uint8 (H, W, 3); raise InputError otherwise."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"{name} is RGB uint8 of shape (H, W, 3); got {got}. marginface.read_image(path) makes one.")
    return image


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels: x1 < x2, y1 < y2; it may reach beyond the image."""

    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        if not (self.x1 < self.x2 and self.y1 < self.y2):
            raise InputError(f"a box has x1 < x2 and y1 < y2; got {self.x1, self.y1, self.x2, self.y2}")

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A detected face: box, landmarks (5, 2) float32 and the detector's score in [0, 1].

    Landmarks: left eye, right eye, nose, left and right mouth corner, as seen in the image.
    """

    box: Box
    landmarks: FloatArray
    score: float

    def __post_init__(self) -> None:
        points = np.asarray(self.landmarks, dtype=np.float32)
        if points.shape != (5, 2) or not np.isfinite(points).all():
            raise InputError(f"landmarks are 5 finite points (5, 2); got shape {points.shape}")
        object.__setattr__(self, "landmarks", frozen(points))

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, rounded to a hundredth of a pixel."""
        box = [round(float(v), 2) for v in (self.box.x1, self.box.y1, self.box.x2, self.box.y2)]
        points = [[round(float(x), 2), round(float(y), 2)] for x, y in self.landmarks]
        return {"box": box, "landmarks": points, "score": round(float(self.score), 4)}


LENGTH_ERROR = 1e-3  # how far the length of an embedding may be from 1


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A unit vector (D,) float32 and the id of the contract it was made under."""

    vector: FloatArray
    contract: str

    def __post_init__(self) -> None:
        vector = np.asarray(self.vector, dtype=np.float32)
        if vector.ndim != 1 or abs(float(np.linalg.norm(vector)) - 1.0) > LENGTH_ERROR:
            raise InputError(
                f"an embedding is one vector of length 1; got shape {vector.shape}, norm {np.linalg.norm(vector):.4f}"
            )
        object.__setattr__(self, "vector", frozen(vector))


@dataclass(frozen=True, slots=True)
class Threshold:
    """A similarity with the false-match rate it was set for and the data it was set on.

    Attributes:
        similarity: accepted is what is as similar or more.
        fmr: the rate it was set for: at most this share of the impostor pairs was accepted.
        impostor_pairs: how many there were.
        data: whose photos, in words.
        fmr_bounds: where the true rate lies at 95 %, of people like those of the data; None: not known.
        fnmr: share of genuine pairs that it refused there; None: not known.
        fnmr_bounds: where that rate lies at 95 %.
        fpir: for a search: the share of strangers for whom it returns somebody, at most; None: set for single pairs.
        size: comparisons in that search.
        is_between: the rate lies between two that were measured, and ``fnmr`` is that of the stricter: at most so many.
    """

    similarity: float
    fmr: float
    impostor_pairs: int
    data: str
    fmr_bounds: tuple[float, float] | None = None
    fnmr: float | None = None
    fnmr_bounds: tuple[float, float] | None = None
    fpir: float | None = None
    size: int = 1
    is_between: bool = False

    def explain(self) -> str:
        """Say in words what it was set for, on what, and how sure that is."""
        rate = f"a false-match rate of {self.fmr:.4g}"
        if self.fpir is not None:
            rate = (
                f"a false-positive identification rate of {self.fpir:.4g} in a search of {self.size:,}, that is {rate}"
            )
        sentences = [f"The threshold was set for {rate} on {self.data} ({self.impostor_pairs:,} impostor pairs)."]
        if self.fmr_bounds is not None:
            low, high = self.fmr_bounds
            sentences.append(f"Of people like these the rate is between {low:.2g} and {high:.2g} (95 %).")
        if self.fnmr is not None:
            most = "at most " if self.is_between else ""
            sentences.append(f"It refused {most}{about(100 * self.fnmr)} % of the genuine pairs there.")
        return " ".join(sentences)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "similarity": round(self.similarity, 4),
            "fmr": self.fmr,
            "fmr_bounds": None if self.fmr_bounds is None else list(self.fmr_bounds),
            "fnmr": self.fnmr,
            "fnmr_bounds": None if self.fnmr_bounds is None else list(self.fnmr_bounds),
            "fpir": self.fpir,
            "size": self.size,
            "impostor_pairs": self.impostor_pairs,
            "data": self.data,
        }


class Decision(Enum):
    """The answer of a verification and its exit status on the command line."""

    SAME = "same"
    DIFFERENT = "different"
    CANNOT_TELL = "cannot tell"

    @property
    def exit_status(self) -> int:
        return {"same": 0, "different": 1, "cannot tell": 3}[self.value]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known person and the similarity of the nearest of their faces; ``face`` says which that is.

    ``uid`` is the opaque id of the person; empty where people are known by name alone.
    """

    person: str
    similarity: float
    face: str
    uid: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "person": self.person,
            "uid": self.uid or None,
            "similarity": round(self.similarity, 4),
            "face": self.face,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """A verification protocol: P pairs of images, genuine or impostor, in folds.

    ``images`` are paths; ``first`` and ``second`` (P,) index into them; ``genuine`` (P,) bool; ``fold`` (P,) from 0.
    """

    protocol: str
    images: tuple[Path, ...]
    first: IntArray
    second: IntArray
    genuine: BoolArray
    fold: IntArray

    def __post_init__(self) -> None:
        lengths = {len(self.first), len(self.second), len(self.genuine), len(self.fold)}
        if len(lengths) != 1 or 0 in lengths:
            raise DataError(f"{self.protocol}: pairs, labels and folds have one length above 0; got {sorted(lengths)}")
        top = max(int(self.first.max()), int(self.second.max()))
        if top >= len(self.images) or min(int(self.first.min()), int(self.second.min())) < 0:
            raise DataError(f"{self.protocol}: pair index {top} but there are {len(self.images)} images")
        for name in ("first", "second", "genuine", "fold"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.first)
