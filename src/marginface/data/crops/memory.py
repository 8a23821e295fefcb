"""Decoded crops that stay in memory, as many as a budget allows."""

from __future__ import annotations

import numpy as np

from marginface.errors import InputError
from marginface.geometry import CROP_SIZE
from marginface.values import BoolArray, ImageArray, IntArray

CROP_BYTES = CROP_SIZE * CROP_SIZE * 3


class CropMemory:
    """Crops by slot: the first ``capacity`` of ``slots`` can be kept; a slot is valid once ``holds`` says so.

    The system gives the memory when a crop is put, not before. Threads may put and get at once: putting a slot twice
    writes the same bytes.
    """

    def __init__(self, slots: int, memory_gb: float) -> None:
        if memory_gb < 0:
            raise InputError(f"memory_gb is ≥ 0; got {memory_gb}")
        self.capacity = min(slots, int(memory_gb * 1e9) // CROP_BYTES)
        self._crops: ImageArray = np.empty((self.capacity, CROP_SIZE, CROP_SIZE, 3), dtype=np.uint8)
        self._held = np.zeros(slots, dtype=bool)

    def put(self, slot: int, crop: ImageArray) -> None:
        """Keep a crop, if it is one of the first ``capacity``."""
        if slot < self.capacity:
            self._crops[slot] = crop
            self._held[slot] = True

    def holds(self, slots: IntArray) -> BoolArray:
        """Return which of these slots (n,) are valid."""
        return self._held[slots]

    def get(self, slots: IntArray) -> ImageArray:
        """Return a copy of the crops at valid slots, (n, 112, 112, 3)."""
        crops: ImageArray = self._crops[slots]
        return crops
