from __future__ import annotations

import numpy as np
import pytest

from marginface.data.augmentation.head import LANDMARKS, depth, on_head, to_template, turn, turned_places
from marginface.geometry import CROP_SIZE, HEAD, TEMPLATE, apply_transform, pose_degrees
from marginface.values import DoubleArray


def landmarks_at(yaw: float, pitch: float) -> DoubleArray:
    """Where the camera sees the five landmarks of the turned head, aligned to the template."""
    rotation = turn(yaw, pitch)
    return apply_transform(to_template(rotation), (on_head(LANDMARKS) @ rotation.T)[:, :2])


def pixels(size: int) -> DoubleArray:
    """The places (2, S, S) of the pixels themselves, from −1 to 1."""
    along = (2 * np.arange(size) + 1) / size - 1
    return np.stack(np.meshgrid(along, along))


def test_a_head_that_is_not_turned_leaves_every_pixel_where_it_is() -> None:
    np.testing.assert_allclose(turned_places(32, 0.0, 0.0), pixels(32), atol=1e-6)


def test_the_landmarks_are_those_of_the_template_made_even() -> None:
    assert np.abs(LANDMARKS - TEMPLATE).max() < 0.3
    np.testing.assert_allclose(LANDMARKS[0] + LANDMARKS[1], [CROP_SIZE, 2 * LANDMARKS[0, 1]])


def test_the_tip_of_the_nose_is_as_far_before_the_eyes_as_that_of_the_head_of_the_poses() -> None:
    eyes, nose, mouth = (float(depth(*LANDMARKS[number])) for number in (0, 2, 3))
    wanted = HEAD[2, 2] * np.ptp(LANDMARKS[:2, 0]) / np.ptp(HEAD[:2, 0])
    assert eyes == 0
    assert nose == pytest.approx(wanted, abs=0.3)
    assert abs(mouth) < 2


@pytest.mark.parametrize("yaw", [-70, -30, 0, 20, 50])
@pytest.mark.parametrize("pitch", [-8, 0, 8])
def test_the_turned_landmarks_have_the_pose_that_was_asked_for(yaw: float, pitch: float) -> None:
    found = pose_degrees(landmarks_at(yaw, pitch))
    assert found[0] == pytest.approx(yaw, abs=6)
    assert found[1] - pose_degrees(landmarks_at(yaw, 0))[1] == pytest.approx(pitch, abs=4)


@pytest.mark.parametrize(("yaw", "pitch"), [(-60, 0), (30, 8), (80, -8)])
def test_the_turned_crop_is_aligned_its_landmarks_fit_the_template_best_as_they_are(yaw: float, pitch: float) -> None:
    points = landmarks_at(yaw, pitch)
    spread, off = LANDMARKS - LANDMARKS.mean(0), points - LANDMARKS
    seen = points - points.mean(0)
    np.testing.assert_allclose(off.mean(0), 0, atol=1e-9)  # no shift makes the fit better,
    assert (seen * (seen - spread)).sum() == pytest.approx(0, abs=1e-6)  # no scale,
    assert (seen @ spread[:, ::-1].T).trace() == pytest.approx(2 * (seen[:, 1] * spread[:, 0]).sum())  # and no rotation


@pytest.mark.parametrize("yaw", [-40.0, 16.0, 40.0])
def test_the_pixel_at_a_landmark_of_the_turned_crop_comes_from_that_landmark(yaw: float) -> None:
    size = 2 * CROP_SIZE
    places = (turned_places(size, yaw, 4.0) + 1) * CROP_SIZE / 2
    seen = [2, 0, 3] if yaw > 0 else [2, 1, 4]  # the nose and the side that faces the camera
    for landmark, (x, y) in zip(LANDMARKS[seen], landmarks_at(yaw, 4.0)[seen], strict=True):
        found = places[:, int(y * 2), int(x * 2)]
        assert np.abs(found - landmark).max() < 2.5


def test_a_head_turned_to_the_right_shows_its_left_side_and_hides_the_other_behind_the_nose() -> None:
    x = turned_places(64, 60.0, 0.0)[0]
    middle = x[36]  # the row between the eyes and the nose's tip
    nose = int(np.abs(middle).argmin())
    assert nose > 33  # right of the middle: alignment takes back most of what it moved
    assert ((middle > -0.7) & (middle < 0)).sum() > 2 * ((middle > 0) & (middle < 0.7)).sum()


def test_a_turn_to_the_left_is_the_mirror_of_one_to_the_right() -> None:
    right, left = turned_places(24, 44.0, 4.0), turned_places(24, -44.0, 4.0)
    np.testing.assert_array_equal(left[0], -right[0][:, ::-1])
    np.testing.assert_array_equal(left[1], right[1][:, ::-1])


@pytest.mark.parametrize("yaw", [0.0, 90.0])
def test_every_place_is_a_finite_number_even_in_full_profile(yaw: float) -> None:
    assert np.isfinite(turned_places(24, yaw, 8.0)).all()
