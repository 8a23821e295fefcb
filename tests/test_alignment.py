from __future__ import annotations

import cv2
import numpy as np
import pytest

from marginface.alignment import align, check_crops, resize_crops
from marginface.errors import InputError
from marginface.geometry import TEMPLATE


def smooth_image(height=300, width=260):
    """Colors that change slowly with place, so that sampling between pixels is exact to a gray level."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64) + 0.5
    planes = [127 + 100 * np.sin(x / 23 + y / 41), 127 + 100 * np.cos(x / 31), 40 + 0.3 * x + 0.4 * y]
    return np.stack(planes, axis=-1).round().astype(np.uint8)


LANDMARKS = (TEMPLATE * 0.9 + np.float32([70, 90])).astype(np.float32)


def test_landmarks_on_the_template_give_the_image_itself_to_the_pixel():
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    np.testing.assert_array_equal(align(image, TEMPLATE), image)


def test_a_shift_of_whole_pixels_cuts_the_window_to_the_pixel():
    image = np.random.default_rng(1).integers(0, 256, (200, 180, 3), dtype=np.uint8)
    np.testing.assert_array_equal(align(image, TEMPLATE + np.float32([31, 47])), image[47:159, 31:143])


def test_what_lies_beyond_the_image_is_black():
    image = np.full((112, 112, 3), 200, np.uint8)
    crop = align(image, TEMPLATE - np.float32([50, 0]))
    assert (crop[:, :50] == 0).all()
    assert (crop[:, 50:] == 200).all()


def test_each_pixel_is_the_bilinear_sample_at_its_place():
    image = smooth_image()
    crop = align(image, LANDMARKS)
    for row, column in [(3, 5), (50, 60), (100, 20), (111, 111)]:
        x, y = 0.9 * (column + 0.5) + 70 - 0.5, 0.9 * (row + 0.5) + 90 - 0.5
        left, top = int(x), int(y)
        dx, dy = x - left, y - top
        patch = image[top : top + 2, left : left + 2].astype(np.float64)
        upper, lower = patch[0, 0] * (1 - dx) + patch[0, 1] * dx, patch[1, 0] * (1 - dx) + patch[1, 1] * dx
        assert np.abs(upper * (1 - dy) + lower * dy - crop[row, column]).max() <= 2  # OpenCV samples at 1/32 pixel


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turning_the_photo_with_its_landmarks_gives_the_same_crop(quarters):
    image, points = smooth_image(), LANDMARKS
    straight = align(image, points).astype(int)
    for _ in range(quarters):
        width = image.shape[1]
        image = np.ascontiguousarray(np.rot90(image))
        points = np.stack([points[:, 1], width - points[:, 0]], axis=1)
    assert np.abs(align(image, points) - straight).max() <= 2


@pytest.mark.parametrize("factor", [0.5, 2, 3])
def test_resizing_the_photo_with_its_landmarks_gives_the_same_crop(factor):
    image = smooth_image()
    straight = align(image, LANDMARKS).astype(int)
    size = round(image.shape[1] * factor), round(image.shape[0] * factor)
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    assert np.abs(align(resized, LANDMARKS * factor) - straight).max() <= 3


def test_another_size_is_the_same_picture():
    image = smooth_image()
    small = cv2.resize(align(image, LANDMARKS, size=224), (112, 112), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - align(image, LANDMARKS)).max() <= 3


def test_shrinking_by_area_is_the_mean_of_what_a_pixel_covers():
    crops = np.random.default_rng(2).integers(0, 256, (3, 112, 112, 3), dtype=np.uint8)
    means = crops.reshape(3, 56, 2, 56, 2, 3).mean(axis=(2, 4))
    small = resize_crops(crops, 56)
    assert small.dtype == np.uint8
    assert np.abs(small - means).max() <= 0.5


def test_crops_of_the_right_size_and_no_crops_pass():
    crops = np.zeros((2, 112, 112, 3), np.uint8)
    assert resize_crops(crops, 112) is crops
    assert resize_crops(crops[:0], 48).shape == (0, 48, 48, 3)


@pytest.mark.parametrize("size", [0, 113, 224])
def test_sizes_that_cannot_be_made_are_refused(size):
    with pytest.raises(InputError, match="112"):
        resize_crops(np.zeros((1, 112, 112, 3), np.uint8), size)


def test_a_single_crop_or_floats_are_refused_with_the_way_out():
    with pytest.raises(InputError, match=r"uint8 \(112, 112, 3\).*np.stack"):
        check_crops(np.zeros((112, 112, 3), np.uint8))
    with pytest.raises(InputError, match="float64"):
        check_crops(np.zeros((1, 112, 112, 3)))


def test_impossible_landmarks_images_and_sizes_are_refused():
    image = smooth_image()
    with pytest.raises(InputError, match=r"\(5, 2\); got shape \(4, 2\)"):
        align(image, LANDMARKS[:4])
    with pytest.raises(InputError, match="no similarity transform"):
        align(image, np.full((5, 2), 9.0))
    with pytest.raises(InputError, match="RGB uint8"):
        align(image[..., 0], LANDMARKS)
    with pytest.raises(InputError, match="at least one pixel"):
        align(image[:0], LANDMARKS)
    with pytest.raises(InputError, match="at least 1 pixel"):
        align(image, LANDMARKS, size=0)
