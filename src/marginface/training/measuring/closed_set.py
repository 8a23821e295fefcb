"""Rank 1 among identities of the training (closed set) and among identities it never saw (open set), side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from marginface.data.sampling.closed_set import ClosedAndOpen, SearchedCrops
from marginface.evaluation.protocols.open_set import pool_people
from marginface.evaluation.scoring.identification import search
from marginface.metrics import Interval, identification_rate, wilson_interval
from marginface.training.distributed import Ranks
from marginface.training.measuring.features import embed_source
from marginface.words import percent


@dataclass(frozen=True, slots=True)
class RankOne:
    """The share of K searches, one of each identity, that find their identity first of K; Wilson's interval."""

    rate: float
    interval: Interval

    def __str__(self) -> str:
        return f"{percent(self.rate)} (95 % interval {percent(self.interval.low)} to {percent(self.interval.high)})"


@dataclass(frozen=True, slots=True)
class ClosedSetResult:
    """The same search among as many identities of the training and of none of it."""

    identities: int
    closed: RankOne
    open: RankOne

    def record(self) -> dict[str, Any]:
        """Return the numbers for the journal, shares in [0, 1]."""
        return {
            "closed_set_rank_1": self.closed.rate,
            "closed_set_interval": self.closed.interval.to_list(),
            "open_set_rank_1": self.open.rate,
            "open_set_interval": self.open.interval.to_list(),
            "searched_identities": self.identities,
        }

    def sentence(self) -> str:
        """Say both in words."""
        return (
            f"Searched among {self.identities:,} identities, a new photo of one of the training finds its own first in "
            f"{self.closed} (closed set), of one it never saw in {self.open}."
        )


def evaluate_closed_set(
    backbone: nn.Module, crops: ClosedAndOpen, input_size: int, device: torch.device, ranks: Ranks
) -> ClosedSetResult:
    """Search the kept-out photos among the mean directions of each identity's other photos.

    Of several processes each embeds a part, and all return the same.
    """
    rates = [_rank_one(side, backbone, input_size, device, ranks) for side in (crops.closed, crops.open)]
    return ClosedSetResult(len(crops.closed.source.identities), *rates)


def _rank_one(
    crops: SearchedCrops, backbone: nn.Module, input_size: int, device: torch.device, ranks: Ranks
) -> RankOne:
    embeddings, _ = embed_source(backbone, crops.source, input_size, device, ranks)
    labels, probe = crops.source.labels, crops.is_probe
    gallery, people = pool_people(embeddings, labels, ~probe)
    rate = identification_rate(search(gallery, people, embeddings[probe], labels[probe]), rank=1)
    count = int(probe.sum())
    return RankOne(rate, wilson_interval(round(rate * count), count))
