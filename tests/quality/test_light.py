"""The measures of light, each beside a slow one that counts pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from marginface.quality import light

RANDOM = np.random.default_rng(3)
CROP = RANDOM.integers(0, 256, (112, 112, 3)).astype(np.uint8)


def linear(value: int) -> float:
    """IEC 61966-2-1, the definition of sRGB, for one value."""
    share = value / 255
    return ((share + 0.055) / 1.055) ** 2.4 if share > 0.04045 else share / 12.92


def slow_luminance(pixel: np.ndarray) -> int:
    red, green, blue = (linear(int(value)) for value in pixel)
    return math.floor((0.2126 * red + 0.7152 * green + 0.0722 * blue) * 255 + 0.5)


def test_luminance_is_that_of_the_definition_of_srgb() -> None:
    got = light.luminance(CROP)
    for row, column in RANDOM.integers(0, 112, (200, 2)):
        assert abs(int(got[row, column]) - slow_luminance(CROP[row, column])) <= 1
    grays = np.array([[[0] * 3, [88] * 3, [255] * 3]], np.uint8)
    assert light.luminance(grays).tolist() == [[0, 25, 255]]


def test_the_region_holds_eyes_and_mouth_of_the_template() -> None:
    from marginface.geometry import TEMPLATE

    for x, y in TEMPLATE:
        assert light.COLUMNS.start < x < light.COLUMNS.stop
        assert light.ROWS.start < y < light.ROWS.stop


def test_measures_of_a_region_are_those_of_its_counted_pixels() -> None:
    region = light.face_region(light.luminance(CROP))
    pixels = [int(value) for row in region for value in row]
    number = len(pixels)
    middle = sum(pixels) / number / 255
    assert light.mean(region) == pytest.approx(middle)
    assert light.variance(region) == pytest.approx(sum((value / 255 - middle) ** 2 for value in pixels) / number)
    spread = math.sqrt(sum((value / 255 - middle) ** 2 for value in pixels) / number)
    assert light.contrast(region) == pytest.approx(spread / middle)
    shares = [pixels.count(value) / number for value in set(pixels)]
    assert light.dynamic_range(region) == pytest.approx(-sum(share * math.log2(share) for share in shares))
    assert light.dark_share(region) == pytest.approx(sum(value <= 25 for value in pixels) / number)
    assert light.light_share(region) == pytest.approx(sum(value >= 247 for value in pixels) / number)


def test_one_shade_has_no_bits_two_equal_ones_have_one() -> None:
    region = np.full((72, 56), 90, np.uint8)
    assert light.dynamic_range(region) == 0
    region[:36] = 10
    assert light.dynamic_range(region) == pytest.approx(1)


def test_contrast_is_the_same_in_half_the_light_and_none_in_the_dark() -> None:
    region = RANDOM.integers(40, 120, (72, 56)).astype(np.uint8) * 2
    assert light.contrast(region // 2) == pytest.approx(light.contrast(region))
    assert light.contrast(np.zeros((72, 56), np.uint8)) == 0


def test_cheeks_lit_alike_are_even_and_one_in_the_shadow_is_not() -> None:
    noise = RANDOM.integers(100, 140, (112, 112)).astype(np.uint8)
    noise[:, 66:82] = noise[:, 30:46]
    assert light.evenness(noise) == pytest.approx(1)
    noise[:, :56] //= 4
    assert light.evenness(noise) == 0
