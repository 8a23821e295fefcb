"""Crops → the network's input → features → unit vectors: what all embedders share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from marginface.alignment import check_crops, resize_crops
from marginface.contract import Contract
from marginface.errors import WeightsError
from marginface.values import FloatArray, ImageArray

_SMALLEST_NORM = 1e-8

Network = Callable[[FloatArray], FloatArray]  # normalized (n, 3, S, S) → features (n, D); thread-safe


def preprocess(crops: ImageArray, contract: Contract) -> FloatArray:
    """Return the network's input (N, 3, S, S) float32: shrunk by area, colors in order, (pixel − mean) / std."""
    small = resize_crops(crops, contract.input_size)
    ordered = small if contract.color_order == "RGB" else small[..., ::-1]
    planes = np.ascontiguousarray(ordered.transpose(0, 3, 1, 2), dtype=np.float32)
    return np.asarray((planes - np.float32(contract.mean)) / np.float32(contract.std), np.float32)


def batched_features(crops: ImageArray, run: Network, contract: Contract, batch_size: int) -> FloatArray:
    """Return the features (N, D) of crops, which a network computes batch by batch, before they have length 1.

    Raises:
        InputError: the crops are not RGB uint8 (N, 112, 112, 3).
        WeightsError: the network gives another shape than the contract says.
    """
    check_crops(crops)
    features = np.empty((len(crops), contract.embedding_size), np.float32)
    for start in range(0, len(crops), batch_size):
        batch = preprocess(crops[start : start + batch_size], contract)
        features[start : start + batch_size] = _of_batch(batch, run, contract)
    return features


def _of_batch(batch: FloatArray, run: Network, contract: Contract) -> FloatArray:
    """Run one batch, and its mirror image where the contract has it."""
    features = run(batch)
    if contract.mirror:
        features = features + run(np.ascontiguousarray(batch[..., ::-1]))
    expected = (len(batch), contract.embedding_size)
    if features.shape != expected:
        raise WeightsError(f"the model gave features of shape {features.shape}; its card says {expected}")
    return features


def unit_rows(features: FloatArray) -> FloatArray:
    """Return features (N, D) brought to length 1: what ``embed`` gives.

    Raises:
        WeightsError: a feature has no direction.
    """
    norms = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(norms[:, 0]) & (norms[:, 0] > _SMALLEST_NORM)))
    if bad.size:
        raise WeightsError(
            f"the model gave a feature without a direction (length {norms[bad[0], 0]:g}) for crop {bad[0]} and "
            f"{bad.size - 1} others. Check the card's mean, std and color_order, and that the weights are trained."
        )
    return np.asarray(features / norms, np.float32)
