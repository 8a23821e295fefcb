"""Plain softmax: a linear classifier with bias, nothing normalized. What every margin is compared with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from marginface.losses.centers import ClassCenters
from marginface.losses.cross_entropy import against_others, check_shapes, present_mean
from marginface.losses.dense import Dense
from marginface.losses.implementation import Implementation, Logits, losses_by
from marginface.losses.sharded.shard import Shard


class SoftmaxHead(ClassCenters):
    r"""Plain classifier, no margin: cross entropy of the logits z_j = W_jᵀx + b_j.

    Features (N, D), labels (N,) → mean loss.

    Source: no paper of its own; the classifier that every margin is compared with, as in "CosFace", CVPR 2018,
    arXiv:1801.09414, section 3.1. Papers differ in whether theirs has a bias: this one has, and normalizes nothing.

    It runs in the dtype of the centres, float32, whatever the dtype of an autocast around it. A sample with label −1 is
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
        self.implementation: Implementation = Dense()
        self.bias = nn.Parameter(torch.zeros(len(self.centers)))

    def forward(self, features: Tensor, labels: Tensor, step: int = 0) -> Tensor:  # noqa: ARG002
        """Return the mean loss, a scalar; see MarginHead.forward."""
        return present_mean(self.losses(features, labels), labels)

    def losses(self, features: Tensor, labels: Tensor, step: int = 0) -> Tensor:  # noqa: ARG002
        """Return the loss of each sample (N,); see MarginHead.losses."""
        check_shapes(features, labels, self.num_classes, self.centers.shape[-1])
        with torch.autocast(features.device.type, enabled=False):
            features = features.to(self.centers.dtype)
            return losses_by(self.implementation, features, labels, self._losses, self.learned_by_parts)

    def _losses(self, features: Tensor, labels: Tensor) -> Tensor:
        comparison = self.implementation.compare(features, self.centers, labels.clamp_min(0))
        logits = Logits(features.new_ones(()), normalized=False, bias=self.bias)
        others, own = comparison.log_sum_exp(logits)
        return against_others(others, own.product + own.bias)
