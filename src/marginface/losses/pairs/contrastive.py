"""Contrastive loss by distance and by cosine: each pair of a batch is genuine or not, as in siamese training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from marginface.errors import InputError
from marginface.losses.pairs.batch import PairBatch, share


@dataclass(frozen=True)
class Contrastive:
    r"""L = ½[y·d² + (1 − y)·max(0, m − d)²], d = ‖a − b‖ of two unit embeddings, y = 1 for a genuine pair.

    Source: Hadsell, Chopra, LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006 (no arXiv; it
    writes Y = 0 for similar pairs, and leaves the features as they are: here they have length 1, as they are compared).
    Siamese networks for faces are of Chopra, Hadsell, LeCun, CVPR 2005. Public code takes m = 1, which asks impostors
    for a cosine of at most ½.

    The pairs are all pairs of the batch. Siamese training draws as many genuine as impostor pairs, a batch of P
    identities × K images has (P − 1)·K/(K − 1) times as many impostors; so both kinds make half of the mean each. If a
    batch has one kind only, the mean is over that.

    pytorch-metric-learning's ContrastiveLoss is another function: hinges that are not squared, no ½, and means over
    the pairs that cost something, added for both kinds.

    Attributes:
        margin: m, the distance from which impostors cost nothing, 0 < m ≤ 2.

    >>> batch = PairBatch(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0]))
    >>> Contrastive()(batch)
    tensor([1.0000])
    """

    margin: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.margin <= 2:
            raise InputError(
                f"margin of contrastive is a distance of unit vectors, 0 < m ≤ 2; got {self.margin}. Usual: 1"
            )

    def __call__(self, batch: PairBatch, /) -> Tensor:
        """Return the terms of all pairs."""
        genuine, impostor = (batch.distance[kind.triu()] for kind in (batch.genuine, batch.impostor))
        return half_and_half(genuine.square() / 2, functional.relu(self.margin - impostor).square() / 2)

    def activity(self, batch: PairBatch, /) -> Mapping[str, float]:
        """Return the share of impostor pairs nearer than the margin."""
        return _active_impostors(batch.distance[batch.impostor] < self.margin)


@dataclass(frozen=True)
class CosineContrastive:
    r"""L = y·(1 − cos) + (1 − y)·max(0, cos − m), y = 1 for a genuine pair.

    Source: no paper; torch.nn.CosineEmbeddingLoss is this function of a pair (default m = 0, kept here). Pairs and mean
    as in Contrastive. pytorch-metric-learning's ContrastiveLoss with CosineSimilarity, pos_margin = 1 and a MeanReducer
    is twice this.

    Attributes:
        margin: m, the cosine up to which impostors cost nothing, −1 ≤ m < 1.

    >>> batch = PairBatch(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0]))
    >>> CosineContrastive()(batch)
    tensor([1.])
    """

    margin: float = 0.0

    def __post_init__(self) -> None:
        if not -1 <= self.margin < 1:
            raise InputError(f"margin of cosine_contrastive is a cosine, −1 ≤ m < 1; got {self.margin}. Usual: 0")

    def __call__(self, batch: PairBatch, /) -> Tensor:
        """Return the terms of all pairs."""
        genuine, impostor = (batch.similarity[kind.triu()] for kind in (batch.genuine, batch.impostor))
        return half_and_half(1 - genuine, functional.relu(impostor - self.margin))

    def activity(self, batch: PairBatch, /) -> Mapping[str, float]:
        """Return the share of impostor pairs above the margin."""
        return _active_impostors(batch.similarity[batch.impostor] > self.margin)


def half_and_half(genuine: Tensor, impostor: Tensor) -> Tensor:
    """Return the terms of both kinds, weighed so that each kind makes half of their mean."""
    kinds = [kind for kind in (genuine, impostor) if len(kind)] or [genuine]
    total = sum(len(kind) for kind in kinds)
    return torch.cat([kind * (total / (len(kinds) * max(len(kind), 1))) for kind in kinds])


def _active_impostors(active: Tensor) -> dict[str, float]:
    found = share(active)
    return {} if found is None else {"active_impostors": found}
