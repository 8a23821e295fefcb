from __future__ import annotations

import cv2
import numpy as np
import pytest

from marginface.detection import SecondLook
from marginface.detection.second_look import LONGEST, View, bounded, padded, resized, tilted, turned
from marginface.errors import InputError
from marginface.images import read_image
from marginface.values import Box, Face
from oracles.drawing import draw_face

POINTS = np.array([[10, 20], [30, 21], [20, 30], [12, 40], [28, 41]], np.float32)


class Script:
    """A detector that answers as it is told, image by image, and keeps what it was shown."""

    network = "script"

    def __init__(self, *answers):
        self.answers, self.shown = list(answers), []

    def detect(self, image, *, min_score=0.6):
        self.shown.append((image.shape[:2], min_score))
        answer = self.answers.pop(0) if self.answers else ()
        return tuple(face for face in answer if face.score >= min_score)


def face(score=0.95, points=POINTS):
    return Face(Box(5, 10, 35, 50), points, score)


IMAGE = np.zeros((300, 400, 3), np.uint8)


def test_landmarks_are_those_of_the_detector_within():
    assert SecondLook(Script()).network == "script"


def test_a_sure_first_pass_is_the_answer_and_nothing_else_is_tried():
    first = Script([face(0.95)])
    assert len(SecondLook(first).detect(IMAGE)) == 1
    assert len(first.shown) == 1


def test_looks_come_in_order_and_keep_the_score_asked_for():
    first = Script()
    assert SecondLook(first).detect(IMAGE, min_score=0.85) == ()
    sizes = [size for size, _ in first.shown]
    turns = [(495, 495), (400, 300), (495, 495), (300, 400), (495, 495), (400, 300), (495, 495)]
    assert sizes == [(300, 400), (700, 800), (480, 640), *turns]
    assert {score for _, score in first.shown} == {0.85}


def test_turned_looks_are_never_believed_below_their_own_floor():
    first = Script((), (), (), *[[face(0.75)]] * 7)
    assert SecondLook(first).detect(IMAGE, min_score=0.3) == ()


def test_a_large_photo_is_looked_at_by_the_fine_detector_once():
    first, fine = Script(), Script([face(0.95)])
    (found,) = SecondLook(first, fine=fine).detect(np.zeros((900, 1200, 3), np.uint8))
    assert [size for size, _ in fine.shown] == [(900, 1200)]
    np.testing.assert_array_equal(found.landmarks, POINTS)


def test_a_turned_look_must_be_clearly_better_than_a_doubtful_face():
    doubtful = face(0.82)
    barely = Script([doubtful], (), [face(0.84)], ())
    clearly = Script([doubtful], (), [face(0.94)], ())
    assert SecondLook(barely).detect(IMAGE) == (doubtful,)
    assert SecondLook(clearly).detect(IMAGE)[0].score == 0.94


def test_the_best_of_all_turns_wins_and_is_taken_back_by_its_own():
    first = Script([face(0.82)], [face(0.9)], (), [face(0.87)], (), [face(0.95)], [face(0.9)], ())
    (found,) = SecondLook(first).detect(IMAGE)
    assert found.score == 0.95
    np.testing.assert_allclose(found.landmarks, tilted(IMAGE, 5).restore(face()).landmarks)


def test_an_image_without_pixels_holds_no_face():
    assert SecondLook(Script()).detect(np.zeros((0, 5, 3), np.uint8)) == ()


def test_a_border_of_nothing_is_refused():
    with pytest.raises(InputError, match="border"):
        SecondLook(Script(), border=0)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turning_a_point_back_gives_the_pixel_it_came_from(quarters):
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    view = turned(image, quarters)
    for column, row in [(0, 0), (3, 8), (40, 20)]:
        center = Face(Box(0, 0, 1, 1), np.tile(np.float32([column + 0.5, row + 0.5]), (5, 1)), 0.9)
        x, y = np.floor(view.restore(center).landmarks[0]).astype(int)
        np.testing.assert_array_equal(view.image[row, column], image[y, x])


@pytest.mark.parametrize("eighths", [1, 3, 5, 7])
@pytest.mark.parametrize("shape", [(60, 80), (81, 60), (61, 61)])
def test_tilting_a_point_back_gives_the_pixel_it_came_from(eighths, shape):
    """A ramp is sampled without an error by bilinear interpolation: each pixel says where it came from."""
    rows, columns = np.indices(shape)
    image = np.stack([3 * rows, 3 * columns, np.full(shape, 200)], axis=2).astype(np.uint8)
    view = tilted(image, eighths)
    inside = cv2.erode((view.image[..., 2] == 200).astype(np.uint8), np.ones((3, 3))) > 0
    assert inside.sum() > 0.8 * rows.size
    for row, column in np.argwhere(inside)[::97]:
        x, y = view.restore(at(column + 0.5, row + 0.5)).landmarks[0]
        np.testing.assert_allclose(view.image[row, column, :2], [3 * (y - 0.5), 3 * (x - 0.5)], atol=0.75)


def at(x, y):
    return Face(Box(x - 1, y - 1, x + 1, y + 1), np.tile(np.float32([x, y]), (5, 1)), 0.9)


def test_a_tilted_photo_is_seen_whole_and_turned_counter_clockwise():
    image = np.zeros((60, 80, 3), np.uint8)
    image[28:32, 70:80] = 255  # on the right: an eighth counter-clockwise moves it up
    rows, columns = np.nonzero(tilted(image, 1).image[..., 0] > 128)
    assert rows.mean() < 99 / 2 - 20
    assert columns.mean() > 99 / 2 + 20
    assert tilted(image, 1).image[..., 0].sum() / 255 == pytest.approx(40, abs=2)


@pytest.mark.parametrize("eighths", [1, 3, 5, 7])
def test_the_box_of_a_tilted_look_keeps_its_size_and_lies_around_the_landmarks(eighths):
    box = tilted(IMAGE, eighths).restore(face()).box
    marks = tilted(IMAGE, eighths).restore(face()).landmarks
    width = np.sqrt((30**2 + 40**2) / 2)  # of the box around an ellipse of 30 × 40 turned by 45°
    np.testing.assert_allclose([box.width, box.height], [width, width])
    middle = tilted(IMAGE, eighths).restore(at(20, 30)).landmarks[0]
    np.testing.assert_allclose(box.center, middle, atol=1e-4)
    assert (marks > [box.x1, box.y1]).all()
    assert (marks < [box.x2, box.y2]).all()


def test_a_view_of_a_view_goes_back_by_both():
    outer = View(IMAGE, np.array([[2.0, 0, 10], [0, 3, 20]]))
    inner = turned(IMAGE, 1)
    both = inner.of(outer)
    expected = outer.restore(inner.restore(face()))
    np.testing.assert_allclose(both.restore(face()).landmarks, expected.landmarks)
    assert both.restore(face()).box == expected.box


def test_a_photo_of_any_shape_costs_a_bounded_look():
    strip = np.zeros((2, 3_000_000, 3), np.uint8)
    first = Script()
    assert SecondLook(first).detect(strip) == ()
    framed, *tilts = [size for size, _ in first.shown if max(size) < 3_000_000]
    assert framed == (1 + LONGEST, 2 * LONGEST)
    assert tilts == [(906, 906)] * 4
    found = bounded(strip).restore(face())
    np.testing.assert_allclose(found.landmarks[:, 0], POINTS[:, 0] * 3_000_000 / LONGEST, rtol=1e-6)


def test_boxes_stay_ordered_after_turning():
    box = turned(IMAGE, 2).restore(face()).box
    assert (box.x1, box.y1, box.x2, box.y2) == (400 - 35, 300 - 50, 400 - 5, 300 - 10)


def test_border_and_enlargement_are_taken_back():
    np.testing.assert_allclose(padded(IMAGE, 0.5).restore(face()).landmarks, POINTS - 200)
    np.testing.assert_allclose(resized(IMAGE, 800).restore(face()).landmarks, POINTS / 2, atol=1e-5)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_drawn_face_is_found_however_the_photo_is_turned(yunet, quarters):
    upright = draw_face()
    (expected,) = yunet.detect(upright)
    turned_photo = np.ascontiguousarray(np.rot90(upright, -quarters))
    (found,) = SecondLook(yunet).detect(turned_photo)
    restored = expected.landmarks
    for _ in range(quarters):  # a quarter clockwise: (x, y) becomes (height − y, x)
        restored = np.stack([320 - restored[:, 1], restored[:, 0]], axis=1)
    np.testing.assert_allclose(found.landmarks, restored, atol=2)


@pytest.mark.parametrize("degrees", [-135, -45, 45, 135])
def test_a_drawn_face_is_found_where_it_is_in_a_tilted_photo(yunet, degrees):
    upright = draw_face()
    (expected,) = yunet.detect(upright)
    matrix = cv2.getRotationMatrix2D((159.5, 159.5), degrees, 1)
    tilted_photo = cv2.warpAffine(upright, matrix, (320, 320), borderMode=cv2.BORDER_REFLECT)
    (found,) = SecondLook(yunet).detect(tilted_photo)
    there = cv2.getRotationMatrix2D((160, 160), degrees, 1)
    np.testing.assert_allclose(found.landmarks, expected.landmarks @ there[:, :2].T + there[:, 2], atol=3)


def test_a_face_that_fills_the_photo_is_found(yunet):
    tight = draw_face(200, 200, center=(100, 100), radius=100)[10:190, 30:170]
    (found,) = SecondLook(yunet).detect(tight)
    assert 0 <= found.landmarks.min() <= found.landmarks.max() <= 180


def test_nothing_is_found_in_noise(yunet):
    noise = np.random.default_rng(3).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    assert SecondLook(yunet, fine=yunet.with_sides(1280)).detect(noise) == ()


@pytest.mark.parametrize("photo", ["r90", "r180", "r270"])
def test_eyes_and_mouth_are_on_the_right_side_of_a_turned_photo(yunet, shared_data, photo):
    image = read_image(shared_data / f"photos/inspireface/bulk/{photo}.jpg")
    (found,) = SecondLook(yunet).detect(image)
    to_mouth = found.landmarks[3:].mean(axis=0) - found.landmarks[:2].mean(axis=0)
    direction = {"r90": (-1, 0), "r180": (0, -1), "r270": (1, 0)}[photo]
    assert found.score > 0.9
    assert to_mouth @ np.array(direction) > 0.9 * np.linalg.norm(to_mouth)
