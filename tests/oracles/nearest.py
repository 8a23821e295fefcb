"""Searching by hand, and a small world of people to search in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class People:
    """Faces with ids that are not their row, several of a person; each person also has a probe."""

    ids: np.ndarray
    vectors: np.ndarray
    owners: np.ndarray
    probes: np.ndarray
    persons: np.ndarray


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def people(persons: int = 60, faces: int = 4, size: int = 32, spread: float = 0.6, seed: int = 0) -> People:
    """Return people whose faces lie around a direction each; the ids are a shuffled row of odd numbers."""
    random = np.random.default_rng(seed)
    centers = unit(random.normal(size=(persons, size)))
    owners = np.repeat(np.arange(100, 100 + persons), faces)

    def photos(of: np.ndarray) -> np.ndarray:
        return unit(centers[of - 100] + spread * random.normal(size=(len(of), size)) / np.sqrt(size))

    ids = 2 * random.permutation(persons * faces) + 1
    asked = np.arange(100, 100 + persons)
    return People(ids, photos(owners), owners, photos(asked), asked)


def nearest_by_hand(probe: np.ndarray, ids: np.ndarray, vectors: np.ndarray, k: int) -> list[tuple[int, float]]:
    """Return (id, cosine) of the k best, one face at a time, in float64; of equal ones the lower id first."""
    scored = []
    for number, vector in zip(ids.tolist(), vectors, strict=True):
        cosine = sum(float(a) * float(b) for a, b in zip(probe, vector, strict=True))
        scored.append((-float(np.float32(cosine)), number))
    return [(number, -negative) for negative, number in sorted(scored)[:k]]
