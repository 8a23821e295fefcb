"""Sharpness: down with blur, enlarging and motion; not with contrast; hardly up with noise."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from marginface.alignment import align
from marginface.data.synthetic import draw_photo
from marginface.quality.sharpness import least_bend
from marginface.values import ImageArray


@pytest.fixture(scope="module")
def crops() -> list[ImageArray]:
    return [align(*draw_photo(who, 0, strength=0.0)) for who in range(4)]


def test_the_more_blur_the_less_sharp(crops: list[ImageArray]) -> None:
    for crop in crops:
        blurred = [least_bend(cv2.GaussianBlur(crop, (0, 0), sigma)) for sigma in (1, 2, 3, 5)]
        assert least_bend(crop) > blurred[0]
        assert (np.diff(blurred) < 0).all()


@pytest.mark.parametrize("side", [48, 24, 12])
def test_a_face_enlarged_from_a_small_picture_is_less_sharp(crops: list[ImageArray], side: int) -> None:
    for crop in crops:
        small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
        large = cv2.resize(small, (112, 112), interpolation=cv2.INTER_LINEAR)
        assert least_bend(large) < least_bend(crop)


def test_motion_makes_it_less_sharp(crops: list[ImageArray]) -> None:
    path = np.full((1, 9), 1 / 9)
    for crop in crops:
        assert least_bend(cv2.filter2D(crop, -1, path)) < 0.9 * least_bend(crop)


def test_half_the_contrast_is_as_sharp(crops: list[ImageArray]) -> None:
    for crop in crops:
        flat = (crop / 2 + 64).astype(np.uint8)
        assert least_bend(flat) == pytest.approx(least_bend(crop), rel=0.05)


def test_noise_does_not_pass_for_detail(crops: list[ImageArray]) -> None:
    random = np.random.default_rng(0)
    for crop in crops:
        blurred = cv2.GaussianBlur(crop, (0, 0), 3)
        noisy = np.clip(blurred + random.normal(0, 4, blurred.shape), 0, 255).astype(np.uint8)
        assert least_bend(noisy) < least_bend(crop)


def test_a_face_of_one_shade_has_none() -> None:
    assert least_bend(np.full((112, 112, 3), 90, np.uint8)) == 0
