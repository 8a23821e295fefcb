"""N-pair loss: one positive against the positives of all other identities."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.cross_entropy import against_others, log_sum_exp_where
from marginface.losses.pairs.batch import PairBatch


@dataclass(frozen=True)
class NPair:
    r"""L = 1/N Σ_i log(1 + Σ_{j≠i} exp(f_i·f⁺_j − f_i·f⁺_i)) + λ·mean‖f‖², f not normalized.

    The first term is the cross entropy over the N×N matrix of the products of anchors f_i and positives f⁺_j.

    Source: Sohn, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective", NIPS 2016 (no arXiv), whose
    batch has two images of each of N identities. Here images 1 and 2 of each identity in the batch make N pairs, images
    3 and 4 the next N pairs, and so on; an image without a partner, and a pair that no other identity joins, take no
    part. The loss is the mean over all anchors. With two images an identity it is the paper's.

    λ = 0.02 and what exactly it multiplies are not verified against the paper; here it is the mean over all features of
    the pairs. TensorFlow's npairs_loss has 0.002 · ¼ · (mean‖f‖² + mean‖f⁺‖²), our λ = 0.001. pytorch-metric-learning's
    NPairsLoss has no such term, takes one pair an identity, and normalizes the features unless told not to.

    Attributes:
        regularization: λ ≥ 0, against features that grow without end.

    >>> features = torch.eye(2).repeat_interleave(2, 0)
    >>> NPair(regularization=0.0)(PairBatch(features, torch.tensor([0, 0, 1, 1])))  # log(1 + e^−1)
    tensor([0.3133, 0.3133])
    """

    regularization: float = 0.02

    def __post_init__(self) -> None:
        if not 0 <= self.regularization < float("inf"):
            raise InputError(f"regularization of npair is at least 0; got {self.regularization}. Default: 0.02")

    def __call__(self, batch: PairBatch, /) -> Tensor:
        """Return the terms of all anchors."""
        anchor, positive, together = _pairs(batch)
        own, partner = batch.features[anchor], batch.features[positive]
        logits = own @ partner.T
        others = log_sum_exp_where(together & ~torch.eye(len(anchor), dtype=torch.bool, device=anchor.device), logits)
        costs = against_others(others, logits.diagonal())
        return costs + self.regularization * (own.square().sum(dim=1) + partner.square().sum(dim=1)) / 2


def _pairs(batch: PairBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Return the indices of anchors and positives (A,), and which pairs stand against each other (A, A) bool."""
    place = batch.genuine.tril().sum(dim=1)  # how many images of the same identity come before
    next_one = batch.genuine & (place[None] == place[:, None] + 1) & (place[:, None] % 2 == 0)
    anchor, positive = next_one.nonzero(as_tuple=True)
    together = place[anchor][:, None] == place[anchor][None]
    joined = together.sum(dim=1) > 1
    return anchor[joined], positive[joined], together[joined][:, joined]
