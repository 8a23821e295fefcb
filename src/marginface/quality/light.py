"""Light on a face: linear luminance and the measures of it that ISO/IEC 29794-5 names.

The region is the rectangle of the crop from the brows to the chin, between the outer corners of the eyes; the
reference software takes the convex hull of 98 landmarks instead. Formulas: ISO/IEC 29794-5:2025 as in OFIQ, its
reference implementation (BSI, MIT license).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginface.values import FloatArray, ImageArray, frozen

ROWS, COLUMNS = slice(32, 104), slice(28, 84)  # of the 112×112 crop: brows to chin, eye to eye
_CHEEK_ROWS, _LEFT_CHEEK, _RIGHT_CHEEK = slice(68, 84), slice(30, 46), slice(66, 82)
_DARK, _LIGHT = 25, 247  # steps of 255 of linear luminance: at or below, at or above
_REC_709 = np.array([0.2126, 0.7152, 0.0722], np.float32)


def _linear_light() -> FloatArray:
    steps = np.arange(256) / 255
    return np.asarray(np.where(steps > 0.04045, ((steps + 0.055) / 1.055) ** 2.4, steps / 12.92), np.float32)


_LINEAR = frozen(_linear_light())  # of an sRGB value


def luminance(crop: ImageArray) -> NDArray[np.uint8]:
    """Return the linear luminance of a crop (112, 112), 0 … 255: Rec. 709 weights of linearized sRGB."""
    return np.asarray(_LINEAR[crop] @ _REC_709 * 255 + 0.5, np.uint8)


def face_region(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the part of a (112, 112) picture that the face fills."""
    return values[ROWS, COLUMNS]


def mean(region: NDArray[np.uint8]) -> float:
    """Return the mean, as a share of full luminance."""
    return float(region.mean() / 255)


def variance(region: NDArray[np.uint8]) -> float:
    """Return the variance, luminance as a share of the full one."""
    return float((region / 255).var())


def contrast(region: NDArray[np.uint8]) -> float:
    """Return the standard deviation of luminance over its mean: the same whatever the exposure; 0 where it is black."""
    average = float(region.mean())
    return float(region.std()) / average if average else 0.0


def dynamic_range(region: NDArray[np.uint8]) -> float:
    """Return the entropy of the histogram in bits, 0 … 8: how many shades there are."""
    shares = np.bincount(region.ravel(), minlength=256) / region.size
    used = shares[shares > 0]
    return float(-(used * np.log2(used)).sum()) + 0.0


def dark_share(region: NDArray[np.uint8]) -> float:
    """Return the share of pixels that are almost black: linear luminance up to 25 of 255, an sRGB gray of 88."""
    return float((region <= _DARK).mean())


def light_share(region: NDArray[np.uint8]) -> float:
    """Return the share of pixels that are almost white: linear luminance from 247 of 255."""
    return float((region >= _LIGHT).mean())


def evenness(values: NDArray[np.uint8]) -> float:
    """Return how alike the two cheeks are lit: the common area of their histograms, 0 … 1; (112, 112)."""
    left, right = (values[_CHEEK_ROWS, columns] for columns in (_LEFT_CHEEK, _RIGHT_CHEEK))
    first, second = (np.bincount(cheek.ravel(), minlength=256) / cheek.size for cheek in (left, right))
    return float(np.minimum(first, second).sum())
