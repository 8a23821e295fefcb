"""The table CUES: what is measured of a face, and its score.

A score runs from 0 (poor) to 100. Where the measure is that of ISO/IEC 29794-5 its score is the standard's map, as OFIQ
computes it: made for passport photos, so that an inter-eye distance of 70 pixels has 50. Scores are for people and for
comparison with other tools; the gates (quality.gates) look at the raw values.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from marginface.geometry import pose_degrees
from marginface.quality import light
from marginface.quality.sharpness import least_bend
from marginface.registry import Registry
from marginface.values import Face, ImageArray

_USUAL_PITCH = 15.0  # degrees that geometry.HEAD gives the median face of LFW: its nose sits higher than people's
_LARGEST_TURN = 80.0  # degrees: beyond, a distance seen is not made larger any more


@dataclass(frozen=True, eq=False)
class Appearance:
    """What the cues are measured on.

    Attributes:
        face: box and landmarks, in pixels of the photo.
        crop: the aligned face, RGB uint8 (112, 112, 3).
        feature_norm: the length of the network's feature before it is brought to 1, as a share of the length that
            is usual for this network; NaN where that is not known.
    """

    face: Face
    crop: ImageArray
    feature_norm: float = math.nan

    @cached_property
    def pose(self) -> tuple[float, float, float]:
        """Yaw, pitch and roll in degrees."""
        return pose_degrees(self.face.landmarks)

    @cached_property
    def luminance(self) -> NDArray[np.uint8]:
        """Linear luminance of the crop (112, 112)."""
        return light.luminance(self.crop)

    @property
    def region(self) -> NDArray[np.uint8]:
        """Linear luminance between brows and chin."""
        return light.face_region(self.luminance)


@dataclass(frozen=True, slots=True)
class Cue:
    """One thing that is measured.

    Attributes:
        name: Its name in CUES.
        unit: Of the raw value; empty for a bare number.
        standard: The quality measure of ISO/IEC 29794-5:2025 it is named after; empty where it has none.
        measure: Appearance → raw value; NaN where it cannot be told.
        score: Raw value → 0 … 100; None where no scale holds for every model.
    """

    name: str
    unit: str
    standard: str
    measure: Callable[[Appearance], float]
    score: Callable[[float], float] | None


CUES: Registry[Cue] = Registry("quality cue")


def inter_eye_distance(look: Appearance) -> float:
    """Return the distance of the eyes in pixels of the photo, divided by the cosine of the yaw."""
    left, right = look.face.landmarks[:2].astype(np.float64)
    turn = min(abs(look.pose[0]), _LARGEST_TURN)
    return float(np.hypot(*(right - left))) / math.cos(math.radians(turn))


def _sigmoid(value: float, center: float, width: float) -> float:
    return 1 / (1 + math.exp((center - value) / width))


def _score_of_distance(pixels: float) -> float:
    return 100 * _sigmoid(pixels, 70, 20)


def _score_of_angle(degrees: float) -> float:
    return 100 * max(0.0, math.cos(math.radians(degrees))) ** 2


def _score_of_mean(share: float) -> float:
    return 100 * _sigmoid(share, 0.2, 0.05) * (1 - _sigmoid(share, 0.8, 0.05))


def _score_of_variance(variance: float) -> float:
    return 100 * math.sin(60 * variance / (60 * variance + 1) * math.pi)


def _score_of_dark(share: float) -> float:
    return 120 * (0.832 - _sigmoid(share, 0.92, 0.05))


def _score_of_light(share: float) -> float:
    return 1 / (share + 0.01)


def _score_of_sharpness(share: float) -> float:
    return 100 * _sigmoid(share, 0.035, 0.008)  # half of it: one of thirty photos of LFW has less


def _score_of_norm(share: float) -> float:
    return 200 * (share - 0.5)  # 0 at half the usual length, where nothing of the person is left; 100 at the usual one


def _add(
    name: str, unit: str, standard: str, measure: Callable[[Appearance], float], score: Callable[[float], float] | None
) -> None:
    CUES.add(name, Cue(name, unit, standard, measure, score))


_add("detector_score", "", "", lambda look: float(look.face.score), lambda value: 100 * value)
_add("inter_eye_distance", "px", "InterEyeDistance", inter_eye_distance, _score_of_distance)
_add("sharpness", "", "Sharpness", lambda look: least_bend(look.crop), _score_of_sharpness)
_add("head_pose_yaw", "°", "HeadPoseYaw", lambda look: look.pose[0], _score_of_angle)
_add("head_pose_pitch", "°", "HeadPosePitch", lambda look: look.pose[1] - _USUAL_PITCH, _score_of_angle)
_add("head_pose_roll", "°", "HeadPoseRoll", lambda look: look.pose[2], _score_of_angle)
_add("luminance_mean", "", "LuminanceMean", lambda look: light.mean(look.region), _score_of_mean)
_add("luminance_variance", "", "LuminanceVariance", lambda look: light.variance(look.region), _score_of_variance)
_add("contrast", "", "", lambda look: light.contrast(look.region), None)
_add("dynamic_range", "bits", "DynamicRange", lambda look: light.dynamic_range(look.region), lambda bits: 12.5 * bits)
_add(
    "under_exposure_prevention",
    "share of dark pixels",
    "UnderExposurePrevention",
    lambda look: light.dark_share(look.region),
    _score_of_dark,
)
_add(
    "over_exposure_prevention",
    "share of white pixels",
    "OverExposurePrevention",
    lambda look: light.light_share(look.region),
    _score_of_light,
)
_add(
    "illumination_uniformity",
    "",
    "IlluminationUniformity",
    lambda look: light.evenness(look.luminance),
    lambda value: 100 * value**0.3,
)
_add("feature_norm", "of the usual", "", lambda look: look.feature_norm, _score_of_norm)
