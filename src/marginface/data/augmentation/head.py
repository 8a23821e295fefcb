"""A crop seen as the texture of a smooth head that is turned: where each pixel of the turned crop comes from.

The head is generic: a rounded box with a nose before a flat background, in pixels of the 112×112 template. A crop of a
face that looks ahead is laid on it, the head is turned, seen from far away, and aligned again by its five landmarks, as
``alignment`` would align a photo of it. What the camera has not seen, a cheek behind the edge of the crop, repeats what
lies beside it.

Source: Masi et al., "Do We Really Need to Collect Millions of Faces for Effective Face Recognition?", ECCV 2016,
arXiv:1603.07057, which turns ten generic heads; Zhu et al., "Face Alignment Across Large Poses: A 3D Solution", CVPR
2016, arXiv:1511.07212, whose face profiling turns the background with the head. The shape here is our own.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from marginface.geometry import CROP_SIZE, TEMPLATE, similarity_transform
from marginface.values import DoubleArray, FloatArray, frozen

YAW_STEP, PITCH_STEP = 2.0, 4.0  # degrees from one pose that is rendered to the next

# In pixels of the template, 0.55 for a millimeter. Half width, height and depth of the head; its middle, as high as the
# middle between eyes and mouth. |x|^2.5 + |y|^2.5 + |z|^2.5 = 1 is flatter in front than an ellipsoid.
_HALF = (42.0, 72.0, 52.0)
_MIDDLE = (CROP_SIZE / 2, 72.0)
# Rows where the nose begins to rise, is highest and has ended; its height there, which makes the tip as far before the
# eyes as geometry.HEAD has it; the standard deviation across.
_NOSE_ROWS = (48.0, 72.0, 77.0)
_NOSE_HEIGHT = 8.3
_NOSE_WIDTH = 4.5
_RAY_REACH, _RAY_STEPS = 90.0, 72  # a ray is looked at so often between −reach and reach


def depth(x: NDArray[np.floating], y: NDArray[np.floating]) -> DoubleArray:
    """Return how far behind the eyes the surface lies at places of the template, in its pixels.

    >>> tip, ear = depth(np.array([56.0, 0.0]), np.array([72.0, 60.0]))
    >>> round(float(tip)), round(float(ear))
    (-12, 49)
    """
    return _surface(x, y) - _surface(LANDMARKS[0, 0], LANDMARKS[0, 1])


def _surface(x: NDArray[np.floating], y: NDArray[np.floating]) -> DoubleArray:
    """Return the depth from the ears' on: 0 for the background, below 0 for the head."""
    across, down = np.abs(x - _MIDDLE[0]) / _HALF[0], np.abs(y - _MIDDLE[1]) / _HALF[1]
    front = np.clip(1 - across**2 * np.sqrt(across) - down**2 * np.sqrt(down), 0, 1) ** 0.4  # twice as fast as powers
    top, tip, end = _NOSE_ROWS
    rise, fall = np.clip((y - top) / (tip - top), 0, 1), np.clip((end - y) / (end - tip), 0, 1)
    width = _NOSE_WIDTH * (0.6 + 0.4 * rise)
    nose = _NOSE_HEIGHT * np.minimum(rise, fall) * np.exp(-0.5 * ((x - _MIDDLE[0]) / width) ** 2)
    return np.asarray(-_HALF[2] * front - nose, np.float64)


def _even() -> DoubleArray:
    """Return the five landmarks of the template, made equal left and right."""
    mirrored = TEMPLATE[[1, 0, 2, 4, 3]] * [-1, 1] + [CROP_SIZE, 0]
    return frozen((TEMPLATE + mirrored) / 2)


LANDMARKS: DoubleArray = _even()


def turn(yaw: float, pitch: float) -> DoubleArray:
    """Return the rotation (3, 3) of a head by degrees with the signs of geometry.pose_degrees."""
    y, p = np.radians([yaw, pitch])
    about_height = [[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]]
    about_width = [[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]]
    return np.asarray(np.array(about_width) @ np.array(about_height), np.float64)


def to_template(rotation: DoubleArray) -> DoubleArray:
    """Return the (2, 3) similarity that aligns the head after a rotation about LANDMARKS' middle between the eyes.

    It maps the first two coordinates of turned points to the template.
    """
    return similarity_transform(on_head(LANDMARKS) @ rotation.T[:, :2], LANDMARKS)


def on_head(points: DoubleArray) -> DoubleArray:
    """Return places (K, 2) of the template as points (K, 3) on the head, from the middle of the crop."""
    return np.column_stack([points - CROP_SIZE / 2, depth(points[:, 0], points[:, 1])])


@lru_cache(maxsize=1024)
def turned_places(size: int, yaw: float, pitch: float) -> FloatArray:
    """Return where the pixels of the turned crop come from: (2, size, size), x and y of the crop from −1 to 1.

    Each pixel's ray is followed until it meets the head or the background: what is before hides what is behind.

    Args:
        size: side of the crop.
        yaw: degrees from −90 to 90; a head that is turned to the right (above 0) shows its left side, as seen.
        pitch: degrees, small.
    """
    if yaw < 0:
        mirrored = turned_places(size, -yaw, pitch)[:, :, ::-1]
        return frozen(np.stack([-mirrored[0], mirrored[1]]))
    rotation = turn(yaw, pitch)
    matrix = to_template(rotation)
    pixel = (np.arange(size) + 0.5) * (CROP_SIZE / size)
    across, down = np.meshgrid(pixel, pixel)
    flat = np.linalg.solve(matrix[:, :2], np.stack([across.ravel(), down.ravel()]) - matrix[:, 2:])
    start, step = rotation.T[:, :2] @ flat, rotation.T[:, 2:]
    places = _first_met(start, step)[:2] + CROP_SIZE / 2
    return frozen((places / (CROP_SIZE / 2) - 1).reshape(2, size, size).astype(np.float32))


def _first_met(start: DoubleArray, step: DoubleArray) -> DoubleArray:
    """Return the first points (3, P) of rays start + t·step that lie on or behind the surface."""
    times = np.linspace(-_RAY_REACH, _RAY_REACH, _RAY_STEPS)[:, None]
    x, y, z = (start[axis] + times * step[axis] for axis in range(3))
    behind = z - depth(x + CROP_SIZE / 2, y + CROP_SIZE / 2)  # below 0 before the surface
    behind[-1] = np.maximum(behind[-1], 0)  # what no ray meets is far away
    last = np.argmax(behind >= 0, axis=0).clip(1)
    rays = np.arange(start.shape[1])
    before, after = behind[last - 1, rays], behind[last, rays]
    share = np.clip(before / np.minimum(before - after, -1e-9), 0, 1)
    met = times[last - 1, 0] + share * (times[1, 0] - times[0, 0])
    return np.asarray(start + met * step, np.float64)
