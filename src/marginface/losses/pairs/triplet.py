"""Triplet loss: an anchor nearer to its own identity than to any other, by a margin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from marginface.errors import InputError
from marginface.losses.pairs.batch import PairBatch, share
from marginface.registry import near_names

Mining = Literal["all", "semi_hard", "batch_hard"]


@dataclass(frozen=True)
class Triplet:
    r"""L = mean of max(0, ‖a − p‖² − ‖a − n‖² + α) over triplets of unit embeddings.

    Source: Schroff, Kalenichenko, Philbin, "FaceNet", CVPR 2015, arXiv:1503.03832 (α = 0.2; it sums where we average).
    ``mining`` says which triplets of a batch:

    - ``all``: every anchor a, positive p and negative n, the easy ones in the mean too;
    - ``semi_hard``: every a and p, with the nearest n that is farther from a than p; where no n is farther, with the
      farthest n, the mildest of the wrong ones. So a batch without a semi-hard negative still teaches. FaceNet takes
      any n that is farther by less than α; this choice, and the fallback, are those of TensorFlow's
      triplet_semihard_loss. The term falls where p passes an n, as the next n takes over;
    - ``batch_hard``: every a with its farthest p and its nearest n (Hermans, Beyer, Leibe, "In Defense of the Triplet
      Loss", 2017, arXiv:1703.07737, there with distances that are not squared).

    pytorch-metric-learning's default is other: distances that are not squared, α = 0.05, and a mean over the triplets
    that cost something. insightface's old MXNet code has α = 0.3 with squared distances.

    The loss can collapse: when all embeddings are equal it is α, and the gradient is 0. Too large a learning rate and
    batch_hard from fresh weights are the usual ways there.

    Attributes:
        margin: α, a difference of squared distances, 0 < α ≤ 4.
        mining: which triplets.

    >>> features = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> Triplet()(PairBatch(features, torch.tensor([0, 0, 1])))  # 2 − 4 + 0.2 and 2 − 2 + 0.2
    tensor([0.0000, 0.2000])
    """

    margin: float = 0.2
    mining: Mining = "semi_hard"

    def __post_init__(self) -> None:
        if not 0 < self.margin <= 4:
            raise InputError(
                f"margin of triplet is a difference of squared distances, 0 < α ≤ 4; got {self.margin}. Usual: 0.2"
            )
        choices = list(get_args(Mining))
        if self.mining not in choices:
            near = near_names(str(self.mining), choices)
            raise InputError(f"mining of triplet is one of {', '.join(choices)}; got {self.mining!r}. {near}".strip())

    @property
    def collapsed_loss(self) -> float:
        """Return α, the loss where all embeddings are equal."""
        return self.margin

    def __call__(self, batch: PairBatch, /) -> Tensor:
        """Return the terms of the mined triplets."""
        return functional.relu(_MINERS[self.mining](batch) + self.margin)

    def activity(self, batch: PairBatch, /) -> Mapping[str, float]:
        """Return the share of all triplets of the batch, mined or not, that cost something."""
        active = share(_every(batch) + self.margin > 0)
        return {} if active is None else {"active_triplets": active}


def _of_genuine_pairs(batch: PairBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Return of each genuine (a, p) ‖a − p‖² (G, 1), ‖a − all‖² (G, n), and which of all are a's negatives (G, n)."""
    anchor, positive = batch.genuine.nonzero(as_tuple=True)
    squared = batch.squared_distance
    return squared[anchor, positive][:, None], squared[anchor], batch.impostor[anchor]


def _every(batch: PairBatch) -> Tensor:
    """Return ‖a − p‖² − ‖a − n‖² of every triplet."""
    near, far, negative = _of_genuine_pairs(batch)
    return (near - far)[negative]


def _semi_hard(batch: PairBatch) -> Tensor:
    """Return it of every genuine pair with its nearest farther negative, or its farthest negative."""
    near, far, negative = _of_genuine_pairs(batch)
    farther = negative & (far > near)
    nearest_farther = far.masked_fill(~farther, torch.inf).argmin(dim=1, keepdim=True)
    farthest = far.masked_fill(~negative, -torch.inf).argmax(dim=1, keepdim=True)
    chosen = torch.where(farther.any(dim=1, keepdim=True), nearest_farther, farthest)
    return (near - far.gather(1, chosen)).squeeze(1)[negative.any(dim=1)]


def _batch_hard(batch: PairBatch) -> Tensor:
    """Return it of every anchor that has both, with its farthest positive and its nearest negative."""
    squared = batch.squared_distance
    positive = squared.masked_fill(~batch.genuine, -torch.inf).argmax(dim=1, keepdim=True)
    negative = squared.masked_fill(~batch.impostor, torch.inf).argmin(dim=1, keepdim=True)
    gaps = (squared.gather(1, positive) - squared.gather(1, negative)).squeeze(1)
    return gaps[batch.genuine.any(dim=1) & batch.impostor.any(dim=1)]


_MINERS: dict[Mining, Callable[[PairBatch], Tensor]] = {
    "all": _every,
    "semi_hard": _semi_hard,
    "batch_hard": _batch_hard,
}
