"""Blur and lower resolution as products with small matrices: each image M X Mᵀ with an M (S, S) of its own.

Every kernel that works along rows and then along columns is such a product, so that a batch in which each image draws
its own kernel needs no loop over images.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

# In the order of AdaFace's code, which draws one to shrink and one to enlarge.
INTERPOLATIONS = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


def along_both(matrices: Tensor, images: Tensor) -> Tensor:
    """Return M X Mᵀ of every channel: matrices (N, S, S), images (N, 3, S, S)."""
    matrices = matrices[:, None]
    return matrices @ images @ matrices.transpose(2, 3)


def gaussian_blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Blur each image (N, 3, S, S) by its own sigma (N,) in pixels; what comes from outside repeats the border."""
    side = images.shape[3]
    place = torch.arange(side, device=images.device)
    weight = torch.exp(-0.5 * (place / sigma.clamp_min(1e-3)[:, None]) ** 2)  # of a pixel so far away, (N, S)
    beyond = weight.flip(1).cumsum(1).flip(1) - weight  # of all that are farther
    matrix = weight[:, (place[:, None] - place).abs()]
    matrix[:, :, 0] += beyond
    matrix[:, :, -1] += beyond.flip(1)
    return along_both(matrix / matrix.sum(dim=2, keepdim=True), images)


def lower_resolution(images: Tensor, sides: Sequence[int], shrink: Sequence[int], enlarge: Sequence[int]) -> Tensor:
    """Shrink each image (N, 3, S, S), 0 to 255, to its own side and enlarge it again, as OpenCV's resize does.

    Source: the low-resolution augmentation of AdaFace's public code (CVPR 2022, arXiv:2204.00964), there with rounding
    to 8 bits after each of the two.

    Args:
        images: float (N, 3, S, S).
        sides: the small side of each in pixels, 1 to S.
        shrink: number of the interpolation of each in INTERPOLATIONS.
        enlarge: the same, for the way back.
    """
    side = images.shape[3]
    down = torch.zeros(len(sides), side, side)  # rows beyond the small side stay 0
    up = torch.zeros(len(sides), side, side)
    for number, small in enumerate(sides):
        down[number, :small] = torch.from_numpy(resize_matrix(side, small, shrink[number]))
        up[number, :, :small] = torch.from_numpy(resize_matrix(small, side, enlarge[number]))
    small_images = along_both(down.to(images.device), images).clamp_(0, 255)
    return along_both(up.to(images.device), small_images).clamp_(0, 255)


@lru_cache(maxsize=1024)
def resize_matrix(old: int, new: int, interpolation: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Return the matrix (new, old) of OpenCV's resize along one side: what it makes of the unit vectors."""
    unit = np.eye(old, dtype=np.float32)
    return np.asarray(cv2.resize(unit, (old, new), interpolation=INTERPOLATIONS[interpolation]), dtype=np.float32)
