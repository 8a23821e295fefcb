"""The table of cues: their names, their scores at points anyone can check, and which way each goes."""

from __future__ import annotations

import numpy as np
import pytest

from marginface.geometry import TEMPLATE, apply_transform
from marginface.quality import CUES, measure
from marginface.quality.cues import Appearance, inter_eye_distance
from marginface.values import Box, Face

GRAY = np.full((112, 112, 3), 128, np.uint8)

# The quality measures of OFIQ's public interface (ISO/IEC 29794-5:2025) that are used here.
STANDARD = {
    "InterEyeDistance", "Sharpness", "HeadPoseYaw", "HeadPosePitch", "HeadPoseRoll", "LuminanceMean",
    "LuminanceVariance", "DynamicRange", "UnderExposurePrevention", "OverExposurePrevention", "IlluminationUniformity",
}  # fmt: skip


def face_at(points: np.ndarray, score: float = 0.9) -> Face:
    return Face(Box(0, 0, 112, 112), points.astype(np.float32), score)


def test_cues_are_named_as_the_measures_of_the_standard_in_snake_case() -> None:
    for name, cue in CUES.items():
        assert cue.name == name
        assert not cue.standard or cue.standard.lower() == name.replace("_", "")
    assert {cue.standard for cue in CUES.values()} - {""} == STANDARD


@pytest.mark.parametrize(
    ("cue", "value", "score"),
    [
        ("inter_eye_distance", 70, 50),
        ("inter_eye_distance", 90, 73.1),
        ("head_pose_yaw", 0, 100),
        ("head_pose_yaw", -60, 25),
        ("head_pose_pitch", 45, 50),
        ("head_pose_roll", 90, 0),
        ("luminance_mean", 0.5, 99.5),
        ("luminance_mean", 0.2, 50),
        ("luminance_mean", 0.8, 50),
        ("luminance_variance", 1 / 60, 100),
        ("dynamic_range", 8, 100),
        ("under_exposure_prevention", 0.92, 39.84),
        ("over_exposure_prevention", 0.0, 100),
        ("over_exposure_prevention", 0.04, 20),
        ("illumination_uniformity", 1, 100),
        ("feature_norm", 1, 100),
        ("feature_norm", 0.5, 0),
    ],
)
def test_scores_are_those_of_the_standard_where_it_has_the_measure(cue: str, value: float, score: float) -> None:
    scale = CUES[cue].score
    assert scale is not None
    assert scale(value) == pytest.approx(score, abs=0.05)


def test_the_distance_of_the_eyes_is_in_pixels_of_the_photo_whatever_the_turn() -> None:
    frontal = face_at(3 * TEMPLATE)
    assert inter_eye_distance(Appearance(frontal, GRAY)) == pytest.approx(3 * 35.24, rel=1e-3)
    turn = np.array([[0.0, -3, 500], [3, 0, 0]])
    assert inter_eye_distance(Appearance(face_at(apply_transform(turn, TEMPLATE)), GRAY)) == pytest.approx(
        3 * 35.24, rel=1e-3
    )
    profile = 3 * TEMPLATE * [0.5, 1]
    profile[2, 0] += 25
    seen = float(np.hypot(*(profile[1] - profile[0])))
    assert inter_eye_distance(Appearance(face_at(profile), GRAY)) > 1.5 * seen


def test_each_turn_of_the_head_moves_its_own_angle() -> None:
    def pose(points: np.ndarray) -> np.ndarray:
        quality = measure(face_at(points), GRAY)
        return np.array([quality[f"head_pose_{way}"] for way in ("yaw", "pitch", "roll")])

    straight = pose(TEMPLATE)
    nose = np.zeros((5, 2))
    nose[2] = 6, 0
    assert (pose(TEMPLATE + nose) - straight)[0] > 15
    assert (pose(TEMPLATE - nose) - straight)[0] < -15
    nose[2] = 0, 6
    assert (pose(TEMPLATE + nose) - straight)[1] > 10
    quarter = np.array([[0.0, -1, 112], [1, 0, 0]])
    assert (pose(apply_transform(quarter, TEMPLATE)) - straight)[2] == pytest.approx(90, abs=1e-3)


def test_darkness_and_light_move_their_measures() -> None:
    random = np.random.default_rng(1)
    crop = random.integers(60, 200, (112, 112, 3)).astype(np.uint8)
    usual, dark, bright = (
        measure(face_at(TEMPLATE), np.clip(crop * float(gain), 0, 255).astype(np.uint8)) for gain in (1, 0.25, 3)
    )
    assert dark["luminance_mean"] < usual["luminance_mean"] < bright["luminance_mean"]
    assert dark["under_exposure_prevention"] > 0.9 > usual["under_exposure_prevention"]
    assert bright["over_exposure_prevention"] > 0.5 > usual["over_exposure_prevention"]
    assert dark["dynamic_range"] < usual["dynamic_range"]
    for quality in (usual, dark, bright):
        assert all(0 <= score <= 100 for score in quality.scores.values())
