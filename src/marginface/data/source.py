"""Where training crops come from: one small protocol, a subset of it by identity, and arrays in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from marginface.errors import DataError, InputError
from marginface.geometry import CROP_SIZE
from marginface.values import ImageArray, IntArray, frozen


class CropSource(Protocol):
    """N aligned crops of C identities.

    ``labels`` (N,) int64 are in [0, C); label i is ``identities[i]``. ``read`` may be called from several threads.
    """

    @property
    def identities(self) -> tuple[str, ...]:
        """The name of every label."""
        ...

    @property
    def labels(self) -> IntArray:
        """The label of every crop, (N,) int64."""
        ...

    def read(self, indices: IntArray) -> ImageArray:
        """Return the crops at these indices, (n, 112, 112, 3) uint8 RGB, in this order."""
        ...

    def fingerprint(self) -> str:
        """Return a sha256 (64 hex digits) that changes when a crop, a label or their order does."""
        ...


def check_indices(indices: IntArray, count: int) -> IntArray:
    """Return the indices as a flat int64 array; raise InputError if one is outside [0, count)."""
    flat = np.asarray(indices, dtype=np.int64)
    if flat.ndim != 1 or (flat.size and (flat.min() < 0 or flat.max() >= count)):
        span = f"{flat.min()}..{flat.max()}" if flat.size else "none"
        raise InputError(f"indices are (n,) in 0..{count - 1}; got shape {flat.shape}, values {span}")
    return flat


@dataclass(frozen=True, eq=False)
class ArrayCrops:
    """Crops that are in memory already: ``crops`` (N, 112, 112, 3) uint8, ``labels`` (N,) in [0, C)."""

    crops: ImageArray
    labels: IntArray
    identities: tuple[str, ...]

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels, dtype=np.int64)
        expected = (len(labels), CROP_SIZE, CROP_SIZE, 3)
        if self.crops.dtype != np.uint8 or self.crops.shape != expected:
            raise DataError(f"crops are uint8 {expected} for these labels; got {self.crops.dtype} {self.crops.shape}")
        check_indices(labels, len(self.identities))
        object.__setattr__(self, "crops", frozen(self.crops))
        object.__setattr__(self, "labels", frozen(labels))

    def read(self, indices: IntArray) -> ImageArray:
        """Return a copy of the crops at these indices."""
        chosen: ImageArray = self.crops[check_indices(indices, len(self.labels))]
        return chosen

    def fingerprint(self) -> str:
        """Return the sha256 over names, labels and pixels."""
        digest = hashlib.sha256("\n".join(self.identities).encode())
        digest.update(np.ascontiguousarray(self.labels).tobytes())
        digest.update(np.ascontiguousarray(self.crops).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Subset:
    """Some crops of another source under new labels; made by ``subset``."""

    source: CropSource
    indices: IntArray
    labels: IntArray
    identities: tuple[str, ...]

    def read(self, indices: IntArray) -> ImageArray:
        """Return the crops at these indices of the subset."""
        return self.source.read(self.indices[check_indices(indices, len(self.indices))])

    def fingerprint(self) -> str:
        """Return the sha256 over the source's fingerprint and the chosen crops."""
        digest = hashlib.sha256(self.source.fingerprint().encode())
        digest.update(np.ascontiguousarray(self.indices).tobytes())
        digest.update(np.ascontiguousarray(self.labels).tobytes())
        return digest.hexdigest()


def subset(source: CropSource, labels: Sequence[int]) -> Subset:
    """Return the crops of these labels only; the labels become 0, 1, … in the order given.

    Raises:
        InputError: a label is outside the source, is named twice, or none is given.
    """
    chosen = check_indices(np.asarray(labels, dtype=np.int64), len(source.identities))
    if len(chosen) == 0 or len(np.unique(chosen)) != len(chosen):
        raise InputError(f"a subset names each of its labels once, at least one; got {len(chosen)} labels")
    new_label = np.full(len(source.identities), -1, dtype=np.int64)
    new_label[chosen] = np.arange(len(chosen))
    indices = np.flatnonzero(new_label[source.labels] >= 0)
    names = tuple(source.identities[label] for label in chosen)
    return Subset(source, frozen(indices), frozen(new_label[source.labels[indices]]), names)
