"""A face and its crop → Quality."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from marginface.errors import InputError
from marginface.geometry import CROP_SIZE
from marginface.quality.cues import CUES, Appearance
from marginface.values import Face, ImageArray, check_image


@dataclass(frozen=True, eq=False)
class Quality(Mapping[str, float]):
    """The raw values of a face by cue; ``scores`` are from 0 to 100. A cue that could not be told is not there.

    >>> quality = Quality({"inter_eye_distance": 70.0, "head_pose_yaw": -30.0})
    >>> quality["inter_eye_distance"], quality.scores
    (70.0, {'inter_eye_distance': 50, 'head_pose_yaw': 75})
    """

    values_by_cue: Mapping[str, float]

    def __post_init__(self) -> None:
        for name in self.values_by_cue:
            CUES[name]  # raises UnknownName
        object.__setattr__(self, "values_by_cue", MappingProxyType(dict(self.values_by_cue)))

    def __getitem__(self, cue: str) -> float:
        return self.values_by_cue[cue]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_cue)

    def __len__(self) -> int:
        return len(self.values_by_cue)

    @property
    def scores(self) -> dict[str, int]:
        """The scores of the cues that have one."""
        maps = {name: CUES[name].score for name in self}
        return {name: _score(score(self[name])) for name, score in maps.items() if score is not None}

    def explain(self) -> str:
        """Say each cue with its raw value, unit and score, one a line."""
        scores = self.scores
        return "\n".join(
            f"{name.replace('_', ' ')}: {self[name]:.3g} {CUES[name].unit}".rstrip()
            + (f" (score {scores[name]})" if name in scores else "")
            for name in self
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: each cue with its raw value and its score, None where it has no scale."""
        scores = self.scores
        return {name: {"value": round(self[name], 4), "score": scores.get(name)} for name in self}


def measure(face: Face, crop: ImageArray, *, feature_norm: float = math.nan) -> Quality:
    """Return the quality of a face.

    Args:
        face: in pixels of the photo it was found in.
        crop: the same face aligned, RGB uint8 (112, 112, 3).
        feature_norm: the length of the network's feature of the crop as a share of the usual one, where it is known.

    Raises:
        InputError: the crop has another shape.
    """
    if check_image(crop, "crop").shape != (CROP_SIZE, CROP_SIZE, 3):
        raise InputError(
            f"quality is measured on an aligned crop (112, 112, 3); got {crop.shape}. See alignment.align."
        )
    look = Appearance(face, crop, feature_norm)
    values = {name: cue.measure(look) for name, cue in CUES.items()}
    return Quality({name: value for name, value in values.items() if math.isfinite(value)})


def _score(value: float) -> int:
    return round(min(max(value, 0.0), 100.0))
