"""The best faces of a track → one face to identify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from marginface.pipeline import EmbeddedFace
from marginface.quality import Quality
from marginface.similarity import l2_normalize
from marginface.values import Embedding
from marginface.video.tracking import Sighting

_CUES = ("detector_score", "inter_eye_distance", "sharpness", "head_pose_yaw", "head_pose_pitch")


def worth(quality: Quality) -> float:
    """Return how good a face is to identify by, 0 to 1: the product of its scores, so that one poor cue counts.

    >>> [round(worth(Quality({"sharpness": 0.17, "head_pose_yaw": yaw})), 2) for yaw in (0.0, 60.0)]
    [0.5, 0.13]
    """
    scores = quality.scores
    return float(np.prod([(1 + scores.get(cue, 100)) / 101 for cue in _CUES]))


def best_of(sightings: Sequence[Sighting], most: int) -> tuple[Sighting, ...]:
    """Return the best sightings, best first: of those that pass the gate; the best one alone where none does."""
    ranked = sorted(sightings, key=lambda one: (-worth(one.used.quality), one.seconds))
    return tuple(one for one in ranked if one.used.is_usable)[:most] or tuple(ranked[:1])


def pooled(sightings: Sequence[Sighting]) -> EmbeddedFace:
    """Return one face of several of one person: the first's, with the direction of the sum of all embeddings.

    The mean is nearer to the person than any one face; it is what the template protocols of IJB do with the frames of
    a video (Whitelam et al., CVPR Workshops 2017).
    """
    best = sightings[0].used
    total = np.sum([one.used.embedding.vector for one in sightings], axis=0)
    return replace(best, embedding=Embedding(l2_normalize(total), best.embedding.contract))
