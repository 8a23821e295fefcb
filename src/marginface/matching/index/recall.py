"""How often the shortcut of an index misses a face that would have been accepted.

A face that a search misses is a false non-match that no threshold repairs, so the figure belongs beside the threshold.
It is taken at the threshold itself, where it is worst: each probe is made from a face x of the index as

    probe = t·x + √(1 − t²)·u,    u a random direction at right angles to x,

so that their cosine is exactly t. A face that the exact search finds and the index does not is a miss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from marginface.errors import InputError
from marginface.matching.index.protocol import Snapshot, VectorIndex
from marginface.metrics.intervals import Interval, wilson_interval
from marginface.similarity import l2_normalize
from marginface.values import FloatArray
from marginface.words import percent

_STREAM = 4_190_511  # so that no gallery of a test drawn from the same seed is met again


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of the faces that an exact search finds at a similarity were found, with Wilson's 95 % interval."""

    similarity: float
    found: int
    asked: int
    interval: Interval

    @property
    def share(self) -> float:
        """The share that was found."""
        return self.found / self.asked

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "similarity": self.similarity,
            "recall": self.share,
            "interval": self.interval.to_list(),
            "found": self.found,
            "asked": self.asked,
        }

    def explain(self) -> str:
        """Say it in words."""
        low, high = self.interval.to_list()
        return (
            f"Of {self.asked:,} faces at similarity {self.similarity:.3f} the search finds {percent(self.share)} "
            f"(95 % interval {percent(low)} to {percent(high)})."
        )


def recall_at(index: VectorIndex, faces: Snapshot, similarity: float, *, k: int = 10, seed: int = 0) -> Recall | None:
    """Return the recall of searches for faces that are just as similar as a threshold asks.

    Args:
        index: What is to be measured.
        faces: Some of its faces, such as ``index.snapshot().sample(200)``: one probe is made for each.
        similarity: A threshold, in (0, 1].
        k: How many hits a search asks for; a face that even the exact search has not among them is not counted.
        seed: Of the random directions.

    Returns:
        None if the exact search has none of them: k others are always more similar.
    """
    if not 0 < similarity <= 1:
        raise InputError(f"a threshold to measure recall at is above 0 and at most 1; got {similarity}")
    if not len(faces):
        raise InputError("recall is measured with faces of the index; got none")
    probes = at_similarity(faces.vectors, similarity, np.random.default_rng([_STREAM, seed]))
    wanted = faces.ids[:, np.newaxis]
    there = (index.search(probes, k, exact=True).ids == wanted).any(axis=1)
    found = there & (index.search(probes, k).ids == wanted).any(axis=1)
    asked, hits = int(there.sum()), int(found.sum())
    return Recall(similarity, hits, asked, wilson_interval(hits, asked)) if asked else None


def at_similarity(vectors: FloatArray, similarity: float, random: np.random.Generator) -> FloatArray:
    """Return a unit row (N, D) for each given one, whose cosine with it is ``similarity``, in a random direction.

    >>> row = np.array([[1, 0, 0]], np.float32)
    >>> round(float(at_similarity(row, 0.6, np.random.default_rng(0))[0, 0]), 4)
    0.6
    """
    rows = l2_normalize(vectors).astype(np.float64)
    noise = random.normal(size=rows.shape)
    noise -= np.einsum("nd,nd->n", noise, rows)[:, np.newaxis] * rows
    away = noise / np.linalg.norm(noise, axis=1, keepdims=True)
    return l2_normalize((similarity * rows + np.sqrt(1 - similarity**2) * away).astype(np.float32))
