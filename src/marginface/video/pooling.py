"""The best faces of a track → one face to identify, by the mean of their similarities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from marginface.pipeline import EmbeddedFace, Searchable
from marginface.quality import Quality
from marginface.similarity import l2_normalize
from marginface.values import Candidate, Embedding, FloatArray
from marginface.video.tracking import Sighting

_CUES = ("detector_score", "inter_eye_distance", "sharpness", "head_pose_yaw", "head_pose_pitch")


def worth(quality: Quality) -> float:
    """Return how good a face is to identify by, 0 to 1: the product of its scores, so that one poor cue counts.

    >>> [round(worth(Quality({"head_pose_yaw": yaw})), 2) for yaw in (0.0, 60.0)]
    [1.0, 0.26]
    """
    scores = quality.scores
    return float(np.prod([(1 + scores.get(cue, 100)) / 101 for cue in _CUES]))


def best_of(sightings: Sequence[Sighting], most: int) -> tuple[Sighting, ...]:
    """Return the best sightings, best first: of those that pass the gate; the best one alone where none does."""
    ranked = sorted(sightings, key=lambda one: (-worth(one.used.quality), one.seconds))
    return tuple(one for one in ranked if one.used.is_usable)[:most] or tuple(ranked[:1])


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Several faces of one person as one: ``face`` is the best of them, with the direction of their mean embedding.

    The similarity to somebody known is the mean of the similarities of the faces. With unit embeddings e₁ … eₖ, their
    mean m and a known face g that is

        (e₁·g + … + eₖ·g) / k = ‖m‖ · cos(m, g)

    so one search finds it. The cosine of the mean alone, without its length, would be higher for everybody: a threshold
    that was set on single photos then lets more strangers through than it promises (docs/how-to/video.md has both).

    Attributes:
        face: What is searched for.
        length: ‖m‖, above 0 and at most 1; 1 for a single face.
    """

    face: EmbeddedFace
    length: float


def pooled(sightings: Sequence[Sighting]) -> Pool:
    """Return the pool of sightings of one person, best first."""
    best = sightings[0].used
    mean: FloatArray = np.mean(np.stack([one.used.embedding.vector for one in sightings]), axis=0)
    direction = Embedding(l2_normalize(mean), best.embedding.contract)
    return Pool(replace(best, embedding=direction), float(np.linalg.norm(mean)))


@dataclass(frozen=True, slots=True)
class ForPool:
    """A Searchable whose similarities are those of a pool: the mean over its faces."""

    people: Searchable
    length: float

    @property
    def contract(self) -> str:
        """The contract of the people."""
        return self.people.contract

    def comparisons(self) -> int:
        """Return with how many faces a pool is compared."""
        return self.people.comparisons()

    def nearest(self, probes: Sequence[Embedding], k: int) -> Sequence[tuple[Candidate, ...]]:
        """Return the nearest people, with mean similarities; see Searchable.nearest."""
        found = self.people.nearest(probes, k)
        return [tuple(replace(one, similarity=one.similarity * self.length) for one in row) for row in found]
