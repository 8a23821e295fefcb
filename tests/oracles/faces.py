"""Drawn embeddings of people, and every pair of them listed: what calibrations are tried on."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from marginface.values import FloatArray, IntArray


def drawn_people(
    photos: list[int], seed: int = 0, *, size: int = 8, noise: float = 0.5, kinds: int = 3
) -> tuple[FloatArray, IntArray]:
    """Unit rows (N, D) of people with so many photos each, in mixed order, and whose they are (N,).

    People are of a few kinds, and look like others of their kind: false matches come together.
    """
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(kinds, size))
    faces = middles[rng.integers(kinds, size=len(photos))] + 1.2 * rng.normal(size=(len(photos), size))
    people = rng.permutation(np.repeat(np.arange(len(photos)), photos))
    vectors = faces[people] / np.linalg.norm(faces[people], axis=1, keepdims=True)
    vectors = vectors + noise / np.sqrt(size) * rng.normal(size=vectors.shape)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), people


class Listed(NamedTuple):
    """Every two photos: their similarity, and whose they are."""

    similarity: float
    first: int
    second: int


def every_pair(vectors: FloatArray, people: IntArray) -> tuple[list[Listed], list[Listed]]:
    """Genuine and impostor pairs, one at a time."""
    genuine, impostor = [], []
    for i, j in combinations(range(len(people)), 2):
        similarity = float(vectors[i].astype(float) @ vectors[j].astype(float))
        pair = Listed(similarity, int(people[i]), int(people[j]))
        (genuine if people[i] == people[j] else impostor).append(pair)
    return genuine, impostor


def near_an_edge(pairs: list[Listed]) -> bool:
    """Whether rounding may put a similarity into another step of 1e-4."""
    return any(abs(pair.similarity * 10_000 - round(pair.similarity * 10_000)) < 0.01 for pair in pairs)


def lowest_threshold_within(impostor: list[Listed], fmr: float) -> float:
    """The lowest of −1, −0.9999 … 1.0001 that accepts at most this share."""
    for step in range(-10_000, 10_002):
        threshold = step / 10_000
        if sum(pair.similarity >= threshold for pair in impostor) <= fmr * len(impostor) + 1e-9:
            return threshold
    raise AssertionError
