"""Face → 112×112 crop: the one function used by training, evaluation and serving, and the one that shrinks crops."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from marginface.errors import InputError
from marginface.geometry import CROP_SIZE, TEMPLATE, similarity_transform
from marginface.values import DoubleArray, ImageArray, check_image


def align(image: ImageArray, landmarks: NDArray[np.floating], size: int = CROP_SIZE) -> ImageArray:
    """Return the aligned crop of a face: RGB uint8 (size, size, 3), black where it reaches beyond the image.

    The landmarks are brought to TEMPLATE by the least-squares similarity transform and the image is sampled bilinearly.
    Both are measured from the outer corner of the top-left pixel, so a photo that is turned or enlarged with its
    landmarks gives the same crop. Code that takes them as pixel centers (InsightFace's norm_crop) gives a crop
    shifted by (1 − scale) / 2 pixels, less than half a pixel for a face larger than the crop. On 38 photos of large
    faces turned by 180° SFace then agrees with itself at a median cosine of 0.986; with this function at 1.000.

    Args:
        image: RGB uint8 (H, W, 3).
        landmarks: (5, 2), left eye, right eye, nose, left and right mouth corner.
        size: Side of the crop.

    Raises:
        InputError: Not such an image, or landmarks from which no transform follows.
    """
    check_image(image)
    if np.shape(landmarks) != (5, 2):
        raise InputError(f"landmarks are 5 points (5, 2); got shape {np.shape(landmarks)}")
    if size < 1:
        raise InputError(f"a crop has a size of at least 1 pixel; got {size}")
    if 0 in image.shape:
        raise InputError(f"an image has at least one pixel; got shape {image.shape}")
    matrix = similarity_transform(landmarks, TEMPLATE.astype(np.float64) * (size / CROP_SIZE))
    crop = cv2.warpAffine(image, _between_pixel_centers(matrix), (size, size), flags=cv2.INTER_LINEAR)
    return np.asarray(crop, np.uint8)


def _between_pixel_centers(matrix: DoubleArray) -> DoubleArray:
    """Turn a map between corner-based coordinates into OpenCV's, whose whole numbers are the centers of pixels."""
    shift = matrix[:, 2] + matrix[:, :2] @ [0.5, 0.5] - 0.5
    return np.column_stack([matrix[:, :2], shift])


def resize_crops(crops: ImageArray, size: int) -> ImageArray:
    """Return crops (N, 112, 112, 3) shrunk by area to (N, size, size, 3) uint8: a pixel is the mean of what it covers.

    Raises:
        InputError: Other shapes, or a size above 112: enlarging invents pixels.
    """
    check_crops(crops)
    if not 1 <= size <= CROP_SIZE:
        raise InputError(f"crops are shrunk to 1 … {CROP_SIZE} pixels; got {size}. A larger input is not supported.")
    if size == CROP_SIZE:
        return crops
    small = np.empty((len(crops), size, size, 3), np.uint8)
    for crop, target in zip(crops, small, strict=True):
        cv2.resize(crop, (size, size), dst=target, interpolation=cv2.INTER_AREA)
    return small


def check_crops(crops: ImageArray) -> ImageArray:
    """Return the crops if they are RGB uint8 (N, 112, 112, 3); raise InputError otherwise."""
    wanted = (CROP_SIZE, CROP_SIZE, 3)
    if not isinstance(crops, np.ndarray) or crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[1:] != wanted:
        got = f"{crops.dtype} {crops.shape}" if isinstance(crops, np.ndarray) else type(crops).__name__
        raise InputError(
            f"crops are RGB uint8 of shape (N, 112, 112, 3); got {got}. marginface.align(image, landmarks) makes one, "
            "np.stack puts several together."
        )
    return crops
