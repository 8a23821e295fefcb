"""Error rates of parts of a protocol (an age group, a pose, a sex as the data set labels it) at one threshold for all.

A service has one threshold. So a slice is judged at the threshold of the whole, set for a stated FMR: how often are its
impostor pairs accepted, and its genuine pairs refused? The differential is the worst rate over the best.

Source: ISO/IEC 19795-10:2024 (performance across demographic groups); Grother, Ngan & Hanaoka, NISTIR 8280 (2019).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from marginface.errors import DataError, InputError
from marginface.metrics import Rate, TarAtFar, wilson_interval
from marginface.values import BoolArray, DoubleArray
from marginface.words import cause


@dataclass(frozen=True, slots=True)
class SliceRates:
    """A part of the pairs: FMR of its impostor and FNMR of its genuine pairs, None where it has none of that kind."""

    name: str
    fmr: Rate | None
    fnmr: Rate | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "slice": self.name,
            "fmr": None if self.fmr is None else self.fmr.to_dict(),
            "fnmr": None if self.fnmr is None else self.fnmr.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Slices:
    """The parts by one column, at one threshold."""

    column: str
    threshold: float
    parts: tuple[SliceRates, ...]

    def differential(self, kind: str) -> tuple[SliceRates, SliceRates, float] | None:
        """Return the worst part, the best one and worst over best of ``fmr`` or ``fnmr``.

        None where fewer than two parts have such pairs; infinite where the best has no error.
        """
        known = sorted((part for part in self.parts if getattr(part, kind)), key=lambda part: _share(part, kind))
        if len(known) < 2:
            return None
        best, worst = known[0], known[-1]
        low, high = _share(best, kind), _share(worst, kind)
        return worst, best, high / low if low else (np.inf if high else 1.0)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; a differential over a part without errors is None."""
        found = {kind: self.differential(kind) for kind in ("fmr", "fnmr")}
        return {
            "column": self.column,
            "threshold": self.threshold,
            "parts": [part.to_dict() for part in self.parts],
            "differential": {
                kind: None
                if one is None
                else {"worst": one[0].name, "best": one[1].name, "ratio": one[2] if np.isfinite(one[2]) else None}
                for kind, one in found.items()
            },
        }


def _share(part: SliceRates, kind: str) -> float:
    rate: Rate = getattr(part, kind)
    return rate.share


def strictest(points: Sequence[TarAtFar]) -> TarAtFar:
    """Return the point of the smallest FAR, in whatever order they were asked for: where slices are judged."""
    return min(points, key=lambda point: point.far)


def slice_rates(
    similarities: DoubleArray, genuine: BoolArray, column: str, names: Sequence[str], threshold: float
) -> Slices:
    """Return FMR and FNMR of each part at a threshold (accepted: ``similarity ≥ threshold``).

    Args:
        similarities: (P,).
        genuine: (P,).
        column: what the names are, such as ``pose``.
        names: (P,) the part of each pair.
        threshold: set on all pairs.

    Raises:
        InputError: lengths differ.
    """
    if not len(similarities) == len(genuine) == len(names):
        raise InputError(f"one name per pair is needed for {column}; got {len(names)} for {len(similarities)} pairs")
    labels = np.asarray(names)
    accepted = similarities >= threshold
    parts = []
    for name in sorted(set(names)):
        here = labels == name
        fmr = _rate(accepted[here & ~genuine])
        parts.append(SliceRates(name, fmr, _rate(~accepted[here & genuine])))
    return Slices(column, threshold, tuple(parts))


def _rate(errors: BoolArray) -> Rate | None:
    if not len(errors):
        return None
    count = int(errors.sum())
    return Rate(count, len(errors), wilson_interval(count, len(errors)))


def read_metadata(path: Path) -> dict[str, dict[str, str]]:
    """Read a CSV file with a column ``image``, the place of an image in its protocol, and columns about the images.

    Raises:
        DataError: it is no such file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            head, *rows = [*csv.reader(stream)] or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected a CSV file about images; got {cause(error)}") from None
    if "image" not in head or not rows:
        got = ", ".join(head) if rows else "no lines"
        raise DataError(f"{path}: expected a column image and others about the images; got {got}")
    about: dict[str, dict[str, str]] = {}
    for row in filter(None, rows):
        values = dict(zip(head, row, strict=False))
        image = values.pop("image", "")
        if len(row) != len(head) or image in about:
            wrong = f"{len(row)} values for {image!r}" if len(row) != len(head) else f"{image!r} twice"
            raise DataError(f"{path}: expected a line of {len(head)} values for each image; got {wrong}")
        about[image] = values
    return about


def columns_of_pairs(
    metadata: Mapping[str, Mapping[str, str]], first: Sequence[str], second: Sequence[str], column: str
) -> list[str]:
    """Return the part of each pair by a column of the images' metadata: ``frontal``, or ``frontal × profile``.

    Raises:
        InputError: an image has no entry, or no such column.
    """
    return [
        _joined(_value(metadata, a, column), _value(metadata, b, column)) for a, b in zip(first, second, strict=True)
    ]


def _value(metadata: Mapping[str, Mapping[str, str]], image: str, column: str) -> str:
    if image not in metadata:
        raise InputError(f"the metadata has no line for image {image!r}")
    if column not in metadata[image]:
        raise InputError(f"the metadata has no column {column!r}; it has {', '.join(metadata[image])}")
    return metadata[image][column]


def _joined(one: str, other: str) -> str:
    return one if one == other else " × ".join(sorted((one, other)))
