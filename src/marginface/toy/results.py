"""What the toy study measured: values, and the same as plain JSON with angles in degrees."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from marginface.metrics import ClassGeometry, pairwise_angles
from marginface.toy.data import ToyData
from marginface.toy.entries import ToyLoss
from marginface.values import DoubleArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class SplitResult:
    """The features of one split (N, D), their labels (N,), the share decided right, and how the classes lie."""

    features: FloatArray
    labels: IntArray
    accuracy: float
    geometry: ClassGeometry

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, angles in degrees."""
        geometry = self.geometry
        return {
            "images": len(self.labels),
            "accuracy": self.accuracy,
            "spread_deg": _mean(geometry.spread),
            "gap_deg": _mean(geometry.gap),
            "smallest_gap_deg": _degrees(float(geometry.gap.min())),
            "spread_deg_by_class": [_degrees(value) for value in geometry.spread.tolist()],
            "gap_deg_by_class": [_degrees(value) for value in geometry.gap.tolist()],
        }


@dataclass(frozen=True, slots=True, eq=False)
class LossResult:
    """One training.

    Attributes:
        loss: what was trained with.
        centers: (C, D), the class centers (rows of the head's weight).
        train: measured on the training images, as the articles draw them, without augmentation.
        held_out: measured on other images of the same classes.
        margin_kept: share of the training features whose margined cosine exceeds every other; None without a margin.
        last_loss: mean loss of the last tenth of the steps.
        seconds: of the training.
    """

    loss: ToyLoss
    centers: FloatArray
    train: SplitResult
    held_out: SplitResult
    margin_kept: float | None
    last_loss: float
    seconds: float

    @property
    def center_angles(self) -> DoubleArray:
        """Return the angle between every two class centers (C, C), radians, NaN on the diagonal."""
        return pairwise_angles(self.centers)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, angles in degrees."""
        angles = self.center_angles
        return {
            "loss": self.loss.label,
            "options": dict(self.loss.options),
            "fitted": list(self.loss.fitted),
            "cautions": list(self.loss.cautions),
            "train": self.train.to_dict(),
            "held_out": self.held_out.to_dict(),
            "smallest_center_angle_deg": _degrees(float(np.nanmin(angles))),
            "mean_center_angle_deg": _degrees(float(np.nanmean(angles))),
            "margin_kept": self.margin_kept,
            "last_loss": self.last_loss,
            "seconds": round(self.seconds, 2),
            "centers": np.round(self.centers.astype(float), 5).tolist(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class ToyStudy:
    """The whole study: data, dimensions, one result per loss, what was equal for all, and how long it took."""

    data: ToyData
    size: int
    results: Sequence[LossResult]
    settings: Mapping[str, Any]
    seed: int
    seconds: float


TABLE = {
    "loss": "as it was asked for",
    "accuracy, %": "share decided right of the training images / of held-out images of the same classes",
    "spread, °": "angular standard deviation within the classes, training images / held-out images",
    "centers, °": "angle between two class centers, the smallest / the mean",
    "gap, °": "angle to the nearest other class that neither reaches, mean over the classes, training / held-out "
    "images; a class reaches as far as 95 % of its images; negative where classes overlap",
    "kept, %": "share of the training images that keep the whole margin to every other class",
}


def table_row(result: LossResult) -> tuple[str, ...]:
    """Return what stands under each head of TABLE."""
    train, held_out, angles = result.train, result.held_out, np.degrees(result.center_angles)
    spreads, gaps = (
        [float(np.degrees(getattr(split.geometry, name).mean())) for split in (train, held_out)]
        for name in ("spread", "gap")
    )
    return (
        result.loss.label,
        _two([100 * train.accuracy, 100 * held_out.accuracy]),
        _two(spreads),
        _two([float(np.nanmin(angles)), float(np.nanmean(angles))]),
        _two(gaps),
        "–" if result.margin_kept is None else f"{100 * result.margin_kept:.1f}",
    )


def _two(values: Sequence[float]) -> str:
    return " / ".join(f"{value:.1f}" for value in values)


def _degrees(radians: float) -> float:
    return round(math.degrees(radians), 3)


def _mean(angles: DoubleArray) -> float:
    return _degrees(float(angles.mean()))
