from __future__ import annotations

import numpy as np

from marginface.detection import largest, nearest_center
from marginface.detection.choose import by_area
from marginface.values import Box, Face


def face(x1, y1, x2, y2, score=0.9):
    return Face(Box(x1, y1, x2, y2), np.zeros((5, 2), np.float32), score)


SMALL_CENTRAL, LARGE_LEFT = face(45, 45, 55, 55), face(0, 0, 40, 40)


def test_the_largest_face_is_chosen_wherever_it_stands_in_the_list():
    assert largest((SMALL_CENTRAL, LARGE_LEFT)) is LARGE_LEFT
    assert largest((LARGE_LEFT, SMALL_CENTRAL)) is LARGE_LEFT


def test_the_central_face_is_chosen_for_an_image_that_is_high_or_wide():
    assert nearest_center((LARGE_LEFT, SMALL_CENTRAL), (100, 100, 3)) is SMALL_CENTRAL
    assert nearest_center((LARGE_LEFT, SMALL_CENTRAL), (40, 40)) is LARGE_LEFT


def test_no_faces_give_no_choice():
    assert largest(()) is None
    assert nearest_center((), (10, 10)) is None


def test_faces_are_sorted_by_area_and_equal_ones_by_score():
    weak, strong = face(0, 0, 10, 10, 0.7), face(5, 5, 15, 15, 0.8)
    assert by_area([weak, LARGE_LEFT, strong]) == (LARGE_LEFT, strong, weak)
