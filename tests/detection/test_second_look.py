from __future__ import annotations

import numpy as np
import pytest

from marginface.detection import SecondLook
from marginface.detection.second_look import enlarged, padded, turned
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
    assert sizes == [(300, 400), (700, 800), (480, 640), (400, 300), (300, 400), (400, 300)]
    assert {score for _, score in first.shown} == {0.85}


def test_turned_looks_are_never_believed_below_their_own_floor():
    first = Script((), (), (), [face(0.75)], [face(0.75)], [face(0.75)])
    assert SecondLook(first).detect(IMAGE, min_score=0.3) == ()


def test_a_large_photo_is_looked_at_by_the_fine_detector_once():
    first, fine = Script(), Script([face(0.95)])
    (found,) = SecondLook(first, fine=fine).detect(np.zeros((900, 1200, 3), np.uint8))
    assert [size for size, _ in fine.shown] == [(900, 1200)]
    np.testing.assert_array_equal(found.landmarks, POINTS)


def test_a_turned_look_must_be_clearly_better_than_a_doubtful_face():
    doubtful = face(0.82)
    barely = Script([doubtful], (), [face(0.85)], ())
    clearly = Script([doubtful], (), [face(0.94)], ())
    assert SecondLook(barely).detect(IMAGE) == (doubtful,)
    assert SecondLook(clearly).detect(IMAGE)[0].score == 0.94


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


def test_boxes_stay_ordered_after_turning():
    box = turned(IMAGE, 2).restore(face()).box
    assert (box.x1, box.y1, box.x2, box.y2) == (400 - 35, 300 - 50, 400 - 5, 300 - 10)


def test_border_and_enlargement_are_taken_back():
    np.testing.assert_allclose(padded(IMAGE, 0.5).restore(face()).landmarks, POINTS - 200)
    np.testing.assert_allclose(enlarged(IMAGE, 800).restore(face()).landmarks, POINTS / 2, atol=1e-5)


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
