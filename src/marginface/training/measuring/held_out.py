"""The held-out evaluation of a run: pairs of identities the training never saw, and thresholds for the model card.

Where the recipe asks for it, closed set and open set besides (training.measuring.closed_set).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from marginface.contract import ThresholdEntry
from marginface.data.sampling.closed_set import ClosedAndOpen
from marginface.data.sampling.holdout import PairIndex
from marginface.data.source import CropSource
from marginface.evaluation.scoring.scores import PairScores, score_pairs
from marginface.metrics.roc import PAIRS_PER_ERROR, supports_far, tar_at_far
from marginface.training.distributed import Ranks
from marginface.training.measuring.closed_set import ClosedSetResult, evaluate_closed_set
from marginface.training.measuring.features import embed_source
from marginface.values import DoubleArray, FloatArray, IntArray

THRESHOLD_IMAGES = 3000  # at most so many images give the impostor pairs of the thresholds: 4.5 million pairs
THRESHOLD_FMRS = (1e-2, 1e-3, 1e-4)


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutResult:
    """What one evaluation found; ``usual_norm`` is the median length of a feature, None where that says nothing."""

    scores: PairScores
    thresholds: tuple[ThresholdEntry, ...]
    closed_set: ClosedSetResult | None = None
    usual_norm: float | None = None

    def record(self) -> dict[str, Any]:
        """Return the numbers for the journal, shares in [0, 1]; the interval is of the accuracy, at 95 %."""
        rates = {f"tar_at_far_{point.far:g}": point.tar for point in self.scores.tar_at_far}
        accuracy = self.scores.accuracy
        numbers = {"accuracy_mean": accuracy.mean, "accuracy_std": accuracy.std, "auc": self.scores.auc}
        interval, pairs = self.scores.accuracy_interval.to_list(), len(self.scores.genuine)
        closed = {} if self.closed_set is None else self.closed_set.record()
        measured = {**numbers, "accuracy_interval": interval, "accuracy_pairs": pairs, "eer": self.scores.eer}
        return {**measured, **rates, **closed}


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Held-out crops and their pairs; ``searched`` are photos for closed set beside open set."""

    source: CropSource
    pairs: PairIndex
    input_size: int
    device: torch.device
    searched: ClosedAndOpen | None = None

    def evaluate(self, backbone: nn.Module, ranks: Ranks | None = None) -> HeldOutResult:
        """Embed every held-out crop in float32, without augmentation, and score the pairs.

        Of several processes each embeds a part, and all return the same.
        """
        ranks = Ranks() if ranks is None else ranks
        embeddings, lengths = embed_source(backbone, self.source, self.input_size, self.device, ranks)
        pairs, labels = self.pairs, self.source.labels
        scores = score_pairs(embeddings, pairs.first, pairs.second, pairs.genuine, pairs.fold, identities=labels)
        entries, searched = thresholds(embeddings, labels), self._search(backbone, ranks)
        return HeldOutResult(scores, entries, searched, usual_norm(lengths))

    def _search(self, backbone: nn.Module, ranks: Ranks) -> ClosedSetResult | None:
        if self.searched is None:
            return None
        return evaluate_closed_set(backbone, self.searched, self.input_size, self.device, ranks)


def usual_norm(lengths: FloatArray) -> float | None:
    """Return the median of lengths, to four digits, for ``usual_norm`` of a model card; None where it is none.

    >>> usual_norm(np.float32([1, 12.34567, 100]))
    12.35
    """
    found = float(f"{np.median(lengths):.4g}") if len(lengths) else 0.0
    return found if np.isfinite(found) and found > 0 else None


def thresholds(embeddings: FloatArray, labels: IntArray) -> tuple[ThresholdEntry, ...]:
    """Return a threshold for each false-match rate that the impostor pairs of these images support tenfold.

    Every two images of different identities are an impostor pair, among the first 3,000 images.
    """
    genuine, impostor = _all_pairs(embeddings[:THRESHOLD_IMAGES], labels[:THRESHOLD_IMAGES])
    if not len(genuine) or not len(impostor):
        return ()
    identities = len(np.unique(labels[:THRESHOLD_IMAGES]))
    data = f"every two of {min(len(labels), THRESHOLD_IMAGES):,} held-out images, {identities} identities"
    entries = []
    for fmr in THRESHOLD_FMRS:
        if supports_far(len(impostor), fmr / PAIRS_PER_ERROR):
            similarity = tar_at_far(genuine, impostor, fmr).threshold
            if np.isfinite(similarity):
                bounded = float(np.clip(similarity, -1, 1))
                entries.append(ThresholdEntry(similarity=bounded, fmr=fmr, impostor_pairs=len(impostor), data=data))
    return tuple(entries)


def _all_pairs(embeddings: FloatArray, labels: IntArray) -> tuple[DoubleArray, DoubleArray]:
    """Return the similarities of all genuine and of all impostor pairs."""
    similarity = (embeddings @ embeddings.T).astype(np.float64)
    first, second = np.triu_indices(len(labels), 1)
    values = similarity[first, second]
    same = labels[first] == labels[second]
    return values[same], values[~same]
