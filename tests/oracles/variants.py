"""SphereFace's protocol and insightface's PCA written out, fold by fold, from features of crop and mirror image."""

from __future__ import annotations

import numpy as np

from oracles.scores import sphereface_by_fold


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def rows_by_fold(
    left: np.ndarray, right: np.ndarray, fold: np.ndarray, *, centered: bool, components: int
) -> list[list[float]]:
    """Similarities of all pairs after each fold's transformation; left and right are features of the pairs."""
    rows = []
    for test in range(int(fold.max()) + 1):
        train = np.concatenate([left[fold != test], right[fold != test]]).astype(np.float64)
        mean = train.mean(axis=0) if centered or components else 0
        a, b = left - mean, right - mean
        if components:  # the singular vectors of the centered training features, as sklearn's PCA has them
            axes = np.linalg.svd(train - mean, full_matrices=False)[2][:components]
            a, b = a @ axes.T, b @ axes.T
        rows.append([float(x @ y) for x, y in zip(unit(a), unit(b), strict=True)])
    return rows


def sphereface(
    left: np.ndarray, right: np.ndarray, genuine: np.ndarray, fold: np.ndarray, components: int
) -> list[float]:
    rows = rows_by_fold(left, right, fold, centered=True, components=components)
    return sphereface_by_fold(rows, genuine.tolist(), fold.tolist())[0]
