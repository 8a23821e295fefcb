"""AdaFace's augmentation of one image as its public code does it: OpenCV, Pillow, 8 bits after each step.

Source: arXiv:2204.00964, section 4.1, and data.py of the authors' repository, of which every draw is an argument here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageEnhance

from marginface.values import ImageArray

INTERPOLATIONS = [cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4]
ENHANCE = [ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color]


def random_box(side: int, tries: Sequence[tuple[float, float]], top: float, left: float) -> tuple[int, int, int, int]:
    """torchvision's RandomResizedCrop.get_params, scale (0.2, 1), ratio (3/4, 4/3): top, left, height, width."""
    for area_draw, ratio_draw in tries:
        area = side * side * (0.2 + 0.8 * area_draw)
        ratio = math.exp(math.log(3 / 4) + ratio_draw * (math.log(4 / 3) - math.log(3 / 4)))
        width, height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < width <= side and 0 < height <= side:
            return int(top * (side - height + 1)), int(left * (side - width + 1)), height, width
    return 0, 0, side, side


def keep_box(image: ImageArray, box: tuple[int, int, int, int]) -> ImageArray:
    top, left, height, width = box
    kept = np.zeros_like(image)
    kept[top : top + height, left : left + width] = image[top : top + height, left : left + width]
    return kept


def low_resolution(image: ImageArray, ratio: float, down: int, up: int) -> ImageArray:
    side = int(ratio * image.shape[0])
    small = cv2.resize(image, (side, side), interpolation=INTERPOLATIONS[down])
    return np.asarray(cv2.resize(small, image.shape[:2], interpolation=INTERPOLATIONS[up]))


def photometric(image: ImageArray, factors: Sequence[float], order: Sequence[int]) -> ImageArray:
    picture = Image.fromarray(image)
    for kind in order:
        picture = ENHANCE[kind](picture).enhance(factors[kind])
    return np.asarray(picture)
