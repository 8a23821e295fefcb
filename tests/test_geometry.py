from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginface.errors import InputError
from marginface.geometry import (
    HEAD,
    TEMPLATE,
    apply_transform,
    iou,
    nms,
    pose_degrees,
    similarity_transform,
    yaw_degrees,
)

angles = st.floats(-np.pi, np.pi)
scales = st.floats(0.05, 20)
shifts = st.floats(-1000, 1000)
coordinates = st.floats(-500, 500)
point_sets = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=8).map(np.array)


def similarity(angle, scale, dx, dy):
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, -s, dx], [s, c, dy]])


def iou_of_two(a, b):
    """By counting cells of a fine grid on whole numbers."""
    cells = lambda box: {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])}  # noqa: E731
    both, either = cells(a) & cells(b), cells(a) | cells(b)
    return len(both) / len(either) if either else 0.0


def greedy_suppression(boxes, scores, threshold):
    """One box at a time, best first: keep it unless it overlaps one that is kept."""
    kept = []
    for index in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if all(iou_of_two(boxes[index], boxes[other]) <= threshold for other in kept):
            kept.append(index)
    return kept


@given(angles, scales, shifts, shifts)
def test_a_random_similarity_of_the_template_is_recovered(angle, scale, dx, dy):
    truth = similarity(angle, scale, dx, dy)
    found = similarity_transform(TEMPLATE, apply_transform(truth, TEMPLATE))
    np.testing.assert_allclose(found, truth, atol=1e-8 * max(1.0, scale), rtol=1e-9)


@given(point_sets, st.integers(0, 2**32 - 1))
def test_the_result_is_never_a_reflection_and_keeps_shapes(points, seed):
    target = np.random.default_rng(seed).normal(size=points.shape) * [-50, 50]
    try:
        matrix = similarity_transform(points, target)
    except InputError:
        return
    linear = matrix[:, :2]
    scale_squared = np.linalg.det(linear)
    assert scale_squared > 0
    np.testing.assert_allclose(linear.T @ linear, scale_squared * np.eye(2), atol=1e-9 * scale_squared)


def test_points_mirrored_on_purpose_still_give_a_rotation():
    mirrored = TEMPLATE * np.float32([-1, 1])
    assert np.linalg.det(similarity_transform(mirrored, TEMPLATE)[:, :2]) > 0


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_no_near_similarity_fits_noisy_points_better(seed):
    rng = np.random.default_rng(seed)
    target = TEMPLATE + rng.normal(size=(5, 2)) * 3
    source = rng.normal(size=(5, 2)) * 40 + 100
    best = similarity_transform(source, target)

    def misfit(matrix):
        return np.sum((apply_transform(matrix, source) - target) ** 2)

    for _ in range(20):
        other = similarity(
            np.arctan2(best[1, 0], best[0, 0]) + rng.normal() * 1e-2,
            np.hypot(best[0, 0], best[1, 0]) * (1 + rng.normal() * 1e-2),
            best[0, 2] + rng.normal() * 1e-2,
            best[1, 2] + rng.normal() * 1e-2,
        )
        assert misfit(best) <= misfit(other) + 1e-9


@pytest.mark.parametrize(
    "points",
    [np.full((5, 2), 30.0), np.full((5, 2), np.nan), np.zeros((5, 3)), np.zeros((1, 2))],
    ids=["one point", "not finite", "three columns", "a single point"],
)
def test_degenerate_points_are_refused(points):
    with pytest.raises(InputError):
        similarity_transform(points, TEMPLATE[: len(points)])


def test_targets_that_are_one_point_are_refused():
    with pytest.raises(InputError, match="no similarity transform"):
        similarity_transform(TEMPLATE, np.full((5, 2), 7.0))


def test_the_template_is_symmetric_about_the_middle_of_the_crop_to_a_fifth_of_a_pixel():
    eyes, mouth = TEMPLATE[:2, 0].mean(), TEMPLATE[3:, 0].mean()
    assert abs(eyes - 56) < 0.2
    assert abs(mouth - 56) < 0.2
    assert not TEMPLATE.flags.writeable


boxes_on_a_grid = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=8
).map(lambda rows: np.array([[x, y, x + w, y + h] for x, y, w, h in rows]))


@given(boxes_on_a_grid, boxes_on_a_grid)
def test_iou_equals_counting_cells(first, second):
    expected = [[iou_of_two(a, b) for b in second.tolist()] for a in first.tolist()]
    np.testing.assert_allclose(iou(first, second), expected, atol=1e-12)


def test_boxes_without_area_overlap_nothing():
    flat = np.array([[1.0, 1, 1, 5]])
    assert iou(flat, flat).tolist() == [[0.0]]


@given(boxes_on_a_grid, st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.integers(0, 2**32 - 1))
def test_suppression_equals_the_greedy_rule(boxes, threshold, seed):
    scores = np.random.default_rng(seed).integers(0, 4, len(boxes)) / 4
    assert nms(boxes, scores, threshold).tolist() == greedy_suppression(boxes.tolist(), scores.tolist(), threshold)


def test_nothing_in_nothing_out():
    assert nms(np.empty((0, 4)), np.empty(0)).shape == (0,)
    assert iou(np.empty((0, 4)), np.empty((3, 4))).shape == (0, 3)


def test_wrong_shapes_and_thresholds_teach():
    with pytest.raises(InputError, match=r"shape \(N, 4\)"):
        iou(np.zeros(4), np.zeros((1, 4)))
    with pytest.raises(InputError, match="one score for each of 2 boxes"):
        nms(np.zeros((2, 4)), np.zeros(3))
    with pytest.raises(InputError, match="between 0 and 1"):
        nms(np.zeros((2, 4)), np.zeros(2), threshold=2.0)
    with pytest.raises(InputError, match=r"\(2, 3\)"):
        apply_transform(np.eye(3), TEMPLATE)


def turned_head(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Return the landmarks of the head turned about its vertical, then its horizontal axis, then in the image."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return (HEAD @ (about_z @ about_x @ about_y).T)[:, :2]


@pytest.mark.parametrize("yaw", [0, 20, -45, 70, -89])
@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (15, -40), (-25, 170)])
def test_the_yaw_of_a_turned_head_is_found_whatever_its_pitch_roll_size_and_place(
    yaw: float, pitch: float, roll: float
) -> None:
    landmarks = 0.4 * turned_head(yaw, pitch, roll) + np.array([56, 40])
    assert yaw_degrees(landmarks) == pytest.approx(yaw, abs=1e-3)


@pytest.mark.parametrize("yaw", [0, 20, -45, 70])
@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (15, -40), (-25, 170), (60, 90)])
def test_the_pose_of_a_turned_head_is_found_whatever_its_size_and_place(yaw: float, pitch: float, roll: float) -> None:
    landmarks = 0.4 * turned_head(yaw, pitch, roll) + np.array([56, 40])
    assert pose_degrees(landmarks) == pytest.approx((yaw, pitch, roll), abs=1e-3)


def test_a_head_that_looks_down_has_a_pitch_above_0_and_one_that_leans_right_a_roll() -> None:
    nose_down = TEMPLATE + np.array([[0, 0], [0, 0], [0, 5], [0, 0], [0, 0]])
    assert pose_degrees(nose_down)[1] > pose_degrees(TEMPLATE)[1]
    quarter_clockwise = np.array([[0.0, -1, 112], [1, 0, 0]])
    leaning = pose_degrees(apply_transform(quarter_clockwise, TEMPLATE))[2]
    assert leaning - pose_degrees(TEMPLATE)[2] == pytest.approx(90)


def test_the_template_looks_straight_ahead_and_a_mirrored_face_the_other_way() -> None:
    assert yaw_degrees(TEMPLATE) == pytest.approx(0, abs=0.01)
    face = TEMPLATE + np.random.default_rng(0).normal(0, 3, (5, 2))
    mirrored = (face * [-1, 1])[[1, 0, 2, 4, 3]]
    assert yaw_degrees(mirrored) == pytest.approx(-yaw_degrees(face))


@pytest.mark.parametrize("landmarks", [np.zeros((5, 2)), np.zeros((4, 2)), np.zeros((6, 2))])
def test_a_pose_needs_five_points_that_are_not_one(landmarks: np.ndarray) -> None:
    with pytest.raises(InputError):
        yaw_degrees(landmarks)
