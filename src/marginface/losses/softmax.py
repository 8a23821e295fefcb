"""Plain softmax: a linear classifier with bias, nothing normalized. What every margin is compared with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from marginface.losses.centers import ClassCenters
from marginface.losses.cross_entropy import against_others
from marginface.losses.implementation import Logits
from marginface.losses.sharded.shard import Shard


class SoftmaxHead(ClassCenters):
    r"""Plain classifier, no margin: cross entropy of the logits z_j = W_jᵀx + b_j.

    Features (N, D), labels (N,) → mean loss.

    Source: no paper of its own; the classifier that every margin is compared with, as in "CosFace", CVPR 2018,
    arXiv:1801.09414, section 3.1. Papers differ in whether theirs has a bias: this one has, and normalizes nothing.

    It runs in the dtype of the centers, float32, whatever the dtype of an autocast around it. A sample with label −1 is
    left out of the mean.

    Args:
        num_classes: C, the number of identities.
        embedding_size: D.
        shard: the classes that this process holds (losses.sharded); None: all.

    Attributes:
        centers: W (C, D); N(0, 0.01) at first. See ClassCenters.
        bias: b (C,), with a shard those of its classes; 0 at first.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(self, num_classes: int, embedding_size: int, shard: Shard | None = None) -> None:
        super().__init__(num_classes, embedding_size, shard=shard)
        self.bias = nn.Parameter(torch.zeros(len(self.centers)))

    @property
    def compares_cosines(self) -> bool:
        """False: nothing is normalized."""
        return False

    def _losses(self, features: Tensor, labels: Tensor, step: int) -> Tensor:  # noqa: ARG002
        comparison = self.implementation.compare(features, self.centers, labels.clamp_min(0))
        logits = Logits(features.new_ones(()), normalized=False, bias=self.bias)
        others, own = comparison.log_sum_exp(logits)
        return against_others(others, own.product + own.bias)
