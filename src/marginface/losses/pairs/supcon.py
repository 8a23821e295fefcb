"""Supervised contrastive loss: each image against all others of the batch, its own identity on top."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.pairs.batch import PairBatch


@dataclass(frozen=True)
class SupCon:
    r"""L_i = −1/|P(i)| Σ_{p∈P(i)} log( exp(z_i·z_p/τ) / Σ_{a≠i} exp(z_i·z_a/τ) ), the mean over anchors i; |z| = 1.

    P(i) are the other images of i's identity in the batch. It is L_out of the paper, the sum outside the logarithm. An
    image that is alone has no P(i) and is no anchor, but stands in the denominators of the others.

    Source: Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, arXiv:2004.11362 (τ = 0.1; it sums over
    anchors where we average). The authors' code multiplies by τ/0.07, has a default of 0.07, and gave NaN for an image
    that is alone until December 2023. pytorch-metric-learning leaves anchors with a loss of exactly 0 out of the mean:
    the same unless one is.

    With K images an identity the loss cannot go below log(K − 1): the positives of an anchor share one softmax.

    Attributes:
        temperature: τ > 0, of cosines.

    >>> features = torch.eye(2).repeat_interleave(2, 0)
    >>> SupCon(temperature=1.0)(PairBatch(features, torch.tensor([0, 0, 1, 1])))  # log(1 + 2/e)
    tensor([0.5514, 0.5514, 0.5514, 0.5514])
    """

    temperature: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.temperature < float("inf"):
            raise InputError(f"temperature of supcon is above 0; got {self.temperature}. Usual: 0.07 to 0.1")

    def __call__(self, batch: PairBatch, /) -> Tensor:
        """Return the terms of all anchors."""
        anchors = batch.genuine.any(dim=1)
        positives, everyone = batch.genuine[anchors], (batch.genuine | batch.impostor)[anchors]
        logits = batch.similarity[anchors] / self.temperature
        total = logits.masked_fill(~everyone, -torch.inf).logsumexp(dim=1, keepdim=True)
        costs = (total - logits).masked_fill(~positives, 0)
        return costs.sum(dim=1) / positives.sum(dim=1)
