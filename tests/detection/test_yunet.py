from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from marginface.detection import DETECTORS, load_detector
from marginface.errors import InputError, UnknownName
from marginface.images import read_image
from marginface.weights import locate
from oracles.drawing import add_face, draw_face


def by_opencv(image, min_score):
    """OpenCV's own decoder of the published, still quantized file: rows x y w h, five points, score."""
    if tuple(int(part) for part in cv2.__version__.split(".")[:2]) < (4, 11):
        pytest.skip("OpenCV before 4.11 cannot read the quantized file")
    height, width = image.shape[:2]
    detector = cv2.FaceDetectorYN.create(str(locate("yunet")), "", (width, height), min_score, 0.3, 5000)
    rows = detector.detect(np.ascontiguousarray(image[..., ::-1]))[1]
    return np.empty((0, 15)) if rows is None else rows[np.argsort(-rows[:, 2] * rows[:, 3])]


def assert_same_as_opencv(faces, rows):
    assert len(faces) == len(rows) > 0
    for face, row in zip(faces, rows, strict=True):
        scale = row[2]  # width of the face
        corners = [row[0], row[1], row[0] + row[2], row[1] + row[3]]
        box = [face.box.x1, face.box.y1, face.box.x2, face.box.y2]
        np.testing.assert_allclose(box, corners, atol=1e-3 * scale)
        np.testing.assert_allclose(face.landmarks, row[4:14].reshape(5, 2), atol=1e-3 * scale)
        assert abs(face.score - row[14]) < 1e-3


@pytest.mark.parametrize("size", [(320, 320), (301, 333)], ids=["multiple of 32", "odd size"])
def test_drawn_faces_are_what_opencv_finds_in_the_quantized_file(yunet, size):
    image = draw_face(*size, radius=60)
    assert_same_as_opencv(yunet.detect(image), by_opencv(image, 0.6))


def test_a_group_photo_gives_what_opencv_finds(yunet, shared_data):
    image = read_image(shared_data / "photos/dlib_faces/2007_007763.jpg")
    assert_same_as_opencv(yunet.detect(image), by_opencv(image, 0.6))


def test_landmarks_come_in_image_order_and_lie_in_the_face(yunet):
    (face,) = yunet.detect(draw_face())
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < nose[0] < right_mouth[0]
    assert left_eye[1] < nose[1] < left_mouth[1]
    assert face.box.x1 < left_eye[0] < right_eye[0] < face.box.x2


@pytest.mark.parametrize("factor", [2, 4])
def test_a_large_photo_gives_the_same_face_in_its_own_pixels(yunet, factor):
    (small,) = yunet.detect(draw_face(480, 640, radius=80))
    (large,) = yunet.detect(cv2.resize(draw_face(480, 640, radius=80), None, fx=factor, fy=factor))
    np.testing.assert_allclose(large.landmarks, small.landmarks * factor, atol=1.5 * factor)


def test_the_longest_side_may_be_the_height(yunet):
    (face,) = yunet.detect(draw_face(1400, 700, center=(350, 700), radius=200))
    assert abs(face.box.center[0] - 350) < 40
    assert abs(face.box.center[1] - 700) < 60


def test_faces_are_sorted_largest_first(yunet):
    image = draw_face(300, 600, center=(110, 150), radius=40)
    add_face(image, (420, 150), 80)
    first, second = yunet.detect(image)
    assert first.box.area > second.box.area
    assert first.box.center[0] > 300


def test_a_second_pass_adds_small_faces_and_keeps_what_the_first_found(yunet):
    image = draw_face(900, 1280, center=(330, 450), radius=220)
    add_face(image, (1000, 300), 18)
    both = yunet.with_sides(640, 1280)
    (large,) = yunet.detect(image)
    found = both.detect(image)
    assert len(found) == 2
    np.testing.assert_array_equal(found[0].landmarks, large.landmarks)
    assert abs(found[1].box.center[0] - 1000) < 10


def test_noise_and_flat_images_hold_no_face(yunet):
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert yunet.detect(noise) == ()
    assert yunet.detect(np.zeros((200, 200, 3), np.uint8)) == ()


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (31, 33), (0, 10), (5000, 3)])
def test_strange_sizes_give_no_face_and_no_error(yunet, shape):
    assert yunet.detect(np.full((*shape, 3), 128, np.uint8)) == ()


def test_a_lower_score_never_finds_less_and_a_higher_never_more(yunet):
    image = draw_face(radius=20)
    counts = [len(yunet.detect(image, min_score=score)) for score in (0.05, 0.3, 0.6, 0.99)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 0


def test_threads_share_one_detector(yunet):
    images = [draw_face(320, 320 + 32 * (index % 3), radius=50 + 5 * index) for index in range(6)]
    alone = [yunet.detect(image)[0].to_dict() for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = [faces[0].to_dict() for faces in pool.map(yunet.detect, images)]
    assert together == alone


def test_wrong_arguments_teach(yunet):
    with pytest.raises(InputError, match="RGB uint8"):
        yunet.detect(np.zeros((10, 10), np.uint8))
    with pytest.raises(InputError, match="between 0 and 1; got 60"):
        yunet.detect(draw_face(), min_score=60)
    with pytest.raises(InputError, match="at least 32"):
        yunet.with_sides()
    with pytest.raises(UnknownName, match="Did you mean 'yunet'"):
        load_detector("yunett")


@pytest.mark.parametrize("name", list(DETECTORS))
def test_every_detector_of_the_table_finds_a_drawn_face(yunet, name):
    assert len(load_detector(name).detect(draw_face())) == 1


@pytest.mark.parametrize(
    ("photo", "least", "most"),
    [
        ("compreface/huge/001_A.jpg", 1, 1),
        ("deepface_unit/selfie-many-people.jpg", 6, 7),
        ("dlib_faces/bald_guys.jpg", 23, 26),
        ("human/solvay1927.jpg", 29, 29),
        ("human/stock-group-1.jpg", 15, 16),
        ("insightface/t1.jpg", 6, 6),
        ("pillow_hopper/pil_sample_cmyk.jpg", 0, 0),
        ("inspireface/crop/no_face.png", 0, 0),
    ],
)
def test_photos_that_break_detectors_are_counted_right(yunet, shared_data: Path, photo, least, most):
    assert least <= len(yunet.detect(read_image(shared_data / "photos" / photo))) <= most
