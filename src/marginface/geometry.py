"""Boxes, the five-point similarity transform and the 112×112 template: pure functions of arrays.

All coordinates are float pixels with the origin at the outer corner of the top-left pixel, as in values.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginface.errors import InputError
from marginface.values import DoubleArray, FloatArray, IntArray, frozen

CROP_SIZE = 112

# Left eye, right eye, nose, left and right mouth corner of a 112×112 crop. Source: Deng et al., "ArcFace", CVPR 2019,
# arXiv:1801.07698, the layout of its training crops: the 112×96 layout of SphereFace moved right by 8.
TEMPLATE: FloatArray = frozen(
    np.array(
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
        dtype=np.float32,
    )
)

# The same five points of a head without rotation, in space: x to the right and y down as seen in the image, z away from
# the camera, in about millimeters. Source: the 21 points of the DREAM authors' pose estimation (penincillin/DREAM,
# pnp.txt), which is what their yaws are made with; left and right are made equal here.
HEAD: FloatArray = frozen(
    np.array([[-32.2, 0, 0], [32.2, 0, 0], [0, 33.9, -21.4], [-24.2, 72.1, 0], [24.2, 72.1, 0]], dtype=np.float32)
)

_DEGENERATE = 1e-12  # squared spread of the source below which no scale can be told, as a share of its size


def iou(first: NDArray[np.floating], second: NDArray[np.floating]) -> DoubleArray:
    """Return intersection over union of boxes (N, 4) and (M, 4), rows x1 y1 x2 y2: (N, M) float64.

    Two boxes of no area have 0.

    >>> iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2], [5, 5, 6, 6]])).round(3)
    array([[0.333, 0.   ]])
    """
    a, b = _boxes(first, "first"), _boxes(second, "second")
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    union = _area(a)[:, None] + _area(b)[None, :] - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0), np.float64)


def nms(boxes: NDArray[np.floating], scores: NDArray[np.floating], threshold: float = 0.3) -> IntArray:
    """Return the indices of boxes that stay after greedy non-maximum suppression, best score first.

    A box is dropped if its IoU with a better one that stays is above ``threshold``. Equal scores keep their order.

    Args:
        boxes: (N, 4), rows x1 y1 x2 y2.
        scores: (N,).
        threshold: IoU in [0, 1].
    """
    corners = _boxes(boxes, "boxes")
    if scores.shape != (len(corners),):
        raise InputError(f"one score for each of {len(corners)} boxes; got shape {scores.shape}")
    if not 0 <= threshold <= 1:
        raise InputError(f"the IoU threshold is between 0 and 1; got {threshold}")
    waiting = np.argsort(-scores, kind="stable").astype(np.int64)
    kept: list[int] = []
    while waiting.size:
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        waiting = waiting[iou(corners[best : best + 1], corners[waiting])[0] <= threshold]
    return np.array(kept, dtype=np.int64)


def similarity_transform(source: NDArray[np.floating], target: NDArray[np.floating]) -> DoubleArray:
    """Return the similarity (rotation, scale, shift; never a reflection) that best maps source points to target points.

    It minimizes Σ |s·R·source_i + t − target_i|² over all scales s > 0, rotations R and shifts t.
    Source: Umeyama, "Least-squares estimation of transformation parameters", IEEE TPAMI 13(4), 1991, for the plane,
    where the best rotation is the angle of Σ conj(source_i − mean) · (target_i − mean) of the points as complex
    numbers.

    Args:
        source: (K, 2), K ≥ 2 points that are not all one point.
        target: (K, 2).

    Returns:
        (2, 3) float64, the matrix [s·R | t].

    Raises:
        InputError: Other shapes, points that are not finite, or points from which no rotation or scale follows.

    >>> square = np.array([[0.0, 0], [2, 0], [2, 2], [0, 2]])
    >>> similarity_transform(square, 3 * square + [5, 7])
    array([[ 3., -0.,  5.],
           [ 0.,  3.,  7.]])
    """
    a, b = _points(source, "source"), _points(target, "target")
    if a.shape != b.shape:
        raise InputError(f"source and target have one shape; got {a.shape} and {b.shape}")
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    p, q = _complex(a - mean_a), _complex(b - mean_b)
    spread = float(np.sum(np.abs(p) ** 2))
    product = complex(np.sum(np.conj(p) * q))
    limit = _DEGENERATE * max(1.0, float(np.max(np.abs(a))) ** 2)
    if spread <= limit or abs(product) <= _DEGENERATE * np.sqrt(spread * max(1.0, float(np.sum(np.abs(q) ** 2)))):
        raise InputError(
            "no similarity transform follows from these points: they are one point, or have no direction in common. "
            f"source: {a.tolist()}"
        )
    turn = product / spread
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, mean_b - linear @ mean_a])


def apply_transform(matrix: NDArray[np.floating], points: NDArray[np.floating]) -> DoubleArray:
    """Return points (K, 2) mapped by a (2, 3) matrix."""
    if matrix.shape != (2, 3):
        raise InputError(f"a transform is a (2, 3) matrix; got shape {matrix.shape}")
    return np.asarray(_points(points, "points", least=0) @ matrix[:, :2].T + matrix[:, 2], np.float64)


def between_pixel_centers(matrix: NDArray[np.floating]) -> DoubleArray:
    """Return a (2, 3) map between coordinates of this package as OpenCV wants it.

    Here the origin is the outer corner of the top-left pixel, there it is the center of that pixel.
    """
    if matrix.shape != (2, 3):
        raise InputError(f"a transform is a (2, 3) matrix; got shape {matrix.shape}")
    shift = matrix[:, 2] + matrix[:, :2] @ [0.5, 0.5] - 0.5
    return np.column_stack([matrix[:, :2], shift])


def pose_degrees(landmarks: NDArray[np.floating]) -> tuple[float, float, float]:
    """Return yaw, pitch and roll of a head from its five landmarks, in degrees; a frontal, upright head has 0, 0, 0.

    Above 0 a head is turned to the right (yaw), looks down (pitch), leans to the right (roll: clockwise), all as seen
    in the image. The landmarks are taken as the head HEAD rotated and scaled, without perspective: the 2×3 matrix that
    maps it to them in the least squares sense, and the nearest one with orthogonal rows of equal length. It is the
    rotation roll·pitch·yaw. The pitch hangs on how long a nose is and where it sits: it differs by ten degrees and more
    between people who look straight ahead. Two points of a profile are hidden and guessed by a detector, so a yaw
    beyond 60° says little more than that the head is in profile.

    Args:
        landmarks: (5, 2) left eye, right eye, nose, left and right mouth corner, pixels.

    Raises:
        InputError: another shape, or all points are one.

    >>> turned = TEMPLATE + np.array([[0, 0], [0, 0], [5, 0], [0, 0], [0, 0]])
    >>> yaw, pitch, roll = pose_degrees(turned)
    >>> round(yaw)
    22
    """
    points = _points(landmarks, "landmarks")
    if points.shape != (len(HEAD), 2) or (np.ptp(points, axis=0) == 0).all():
        raise InputError(f"a pose needs five landmarks that are not all one point; got {landmarks.tolist()}")
    head = HEAD - HEAD.mean(0, dtype=np.float64)
    matrix = np.linalg.lstsq(head, points - points.mean(0), rcond=None)[0].T
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    across, down = left @ right
    away = np.cross(across, down)
    yaw = np.arctan2(away[0], away[2])
    pitch = np.arctan2(away[1], np.hypot(away[0], away[2]))
    roll = np.arctan2(-across[1], down[1])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def yaw_degrees(landmarks: NDArray[np.floating]) -> float:
    """Return the yaw of a head from its five landmarks, whatever its pitch and roll; see pose_degrees.

    >>> round(yaw_degrees(TEMPLATE + np.array([[0, 0], [0, 0], [5, 0], [0, 0], [0, 0]])))
    22
    """
    return pose_degrees(landmarks)[0]


def _complex(points: DoubleArray) -> NDArray[np.complex128]:
    return points[:, 0] + 1j * points[:, 1]


def _points(points: NDArray[np.floating], name: str, least: int = 2) -> DoubleArray:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or len(array) < least:
        raise InputError(f"{name} has shape (K, 2) with K ≥ {least}; got {array.shape}")
    if not np.isfinite(array).all():
        raise InputError(f"{name} has points that are not finite: {array.tolist()}")
    return array


def _boxes(boxes: NDArray[np.floating], name: str) -> DoubleArray:
    array = np.asarray(boxes, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 4:
        raise InputError(f"{name} has shape (N, 4), rows x1 y1 x2 y2; got {array.shape}")
    return array


def _area(boxes: DoubleArray) -> DoubleArray:
    return np.asarray(np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1), np.float64)
