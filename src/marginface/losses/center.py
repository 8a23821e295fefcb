"""Center loss and triplet-center loss: terms that pull features to a center of their class, beside any head.

Their centers live in the space of the features and are not those of the head.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses.cross_entropy import ABSENT, check_batch, present_mean
from marginface.registry import near_names

CenterRule = Literal["count", "mean", "autograd"]


class CenterLoss(nn.Module):
    r"""Center loss, added to softmax or another loss: λ/2·mean_i ‖x_i − c_{y_i}‖².

    As a name of a loss it is softmax with this term; any other loss takes it as a term, [loss.terms.center] in a
    recipe.

    Source: Wen et al., "A Discriminative Feature Learning Approach for Deep Face Recognition", ECCV 2016 (λ = 0.003,
    α = 0.5). After each batch in training mode the center of every class j in it, with n_j samples and their mean x̄_j,
    moves by rule:

    - ``count``: c ← c − α·n_j/(1 + n_j)·(c − x̄_j), the paper's, whose 1 + n_j slows a class with few samples down;
    - ``mean``: c ← c − α·(c − x̄_j);
    - ``autograd``: the centers are a parameter, moved by the optimizer, its weight decay and its learning rate along
      λ/N·Σ(c − x); α does nothing. Beware: λ makes that small. Public PyTorch code does this, partly after dividing
      the gradient by λ.

    The value and the gradient by x, λ/N·(x − c), come from the centers before they move. The paper sums over the batch
    in both losses; here both are means. caffe-face has λ = 0.008. Some public code builds all N×C distances, masks and
    then clamps them, which leaves a floor of (C − 1)·1e-12 a sample; here each sample meets its own center alone.

    It runs in the dtype of the centers, float32, whatever the autocast. Label −1 is left out, of the centers too.

    Args:
        num_classes: C.
        embedding_size: D.
        weight: λ.
        rule: how the centers move.
        alpha: α in (0, 1], how far.

    Attributes:
        centers: (C, D), N(0, 0.01) at first; a buffer, with rule "autograd" a parameter.

    Raises:
        InputError: an argument is out of range.
    """

    centers: Tensor

    def __init__(
        self,
        num_classes: int,
        embedding_size: int,
        *,
        weight: float = 0.003,
        rule: CenterRule = "count",
        alpha: float = 0.5,
    ) -> None:
        super().__init__()
        choices = list(get_args(CenterRule))
        if rule not in choices:
            near = near_names(str(rule), choices)
            raise InputError(f"rule of center is one of {', '.join(choices)}; got {rule!r}. {near}".strip())
        if not 0 < alpha <= 1:
            raise InputError(f"alpha of center is how far a center moves, 0 < α ≤ 1; got {alpha}. Usual: 0.5")
        self.weight, self.rule, self.alpha = _checked_weight("center", weight), rule, alpha
        start = _start(num_classes, embedding_size)
        if rule == "autograd":
            self.centers = nn.Parameter(start)
        else:
            self.register_buffer("centers", start)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return the weighted mean, a scalar, then let the centers move if in training mode.

        Raises:
            InputError: shape, dtype or range of features or labels is wrong.
        """
        check_batch(features, labels, self.centers)
        with torch.autocast(features.device.type, enabled=False):
            features = features.to(self.centers.dtype)
            loss = self.weight * present_mean(_half_square(features, self.centers[labels.clamp_min(0)]), labels)
            if self.training and self.rule != "autograd":
                present = labels != ABSENT
                self._move(features.detach()[present], labels[present])
            return loss

    @torch.no_grad()
    def _move(self, features: Tensor, labels: Tensor) -> None:
        """Move the centers of these classes towards these features."""
        classes, place, counts = torch.unique(labels, return_inverse=True, return_counts=True)
        centers = self.centers[classes]
        away = torch.zeros_like(centers).index_add_(0, place, centers[place] - features)
        divisor = counts + 1 if self.rule == "count" else counts
        self.centers[classes] = centers - self.alpha * away / divisor[:, None]


class TripletCenterLoss(nn.Module):
    r"""Triplet-center loss, added to softmax or another loss: λ·mean max(0, D(x, c_y) + m − min_{j≠y} D(x, c_j)).

    D = ½‖·‖². As a name of a loss it is softmax with this term; any other loss takes it as a term,
    [loss.terms.triplet_center] in a recipe.

    Source: He et al., "Triplet-Center Loss for Multi-View 3D Object Retrieval", CVPR 2018, arXiv:1803.06189. m = 5 and
    λ = 0.1 are from memory and not verified against the paper, and so is that D is half the squared distance. The
    centers are a parameter, moved by the optimizer. m is in squared units of the feature: it fits features that are
    not normalized. With a single class there is no other center and the loss is 0.

    The nearest other center is found by N×C numbers, never N×C×D differences; the distance to it is then computed from
    the difference itself, since ‖x‖² + ‖c‖² − 2xᵀc cancels where it matters.

    It runs in the dtype of the centers, float32, whatever the autocast. A sample with label −1 is left out.

    Args:
        num_classes: C.
        embedding_size: D.
        weight: λ.
        margin: m.

    Attributes:
        centers: (C, D), N(0, 0.01) at first.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(self, num_classes: int, embedding_size: int, *, weight: float = 0.1, margin: float = 5.0) -> None:
        super().__init__()
        if not 0 <= margin < math.inf:
            raise InputError(f"margin of triplet_center is a squared distance, m ≥ 0; got {margin}. Usual: 5")
        self.weight, self.margin = _checked_weight("triplet_center", weight), margin
        self.centers = nn.Parameter(_start(num_classes, embedding_size))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return the weighted mean, a scalar.

        Raises:
            InputError: shape, dtype or range of features or labels is wrong.
        """
        check_batch(features, labels, self.centers)
        with torch.autocast(features.device.type, enabled=False):
            features, known = features.to(self.centers.dtype), labels.clamp_min(0)
            if len(self.centers) == 1:
                return 0 * (features.sum() + self.centers.sum())
            own = _half_square(features, self.centers[known])
            nearest = _half_square(features, self.centers[self._nearest_other(features, known)])
            return self.weight * present_mean((own + self.margin - nearest).clamp_min(0), labels)

    @torch.no_grad()
    def _nearest_other(self, features: Tensor, known: Tensor) -> Tensor:
        """Return the class of the nearest center that is not the own (N,): ½‖c‖² − xᵀc orders as the distance."""
        order = self.centers.square().sum(1) / 2 - features @ self.centers.T
        return order.scatter(1, known[:, None], torch.inf).argmin(1)


def _half_square(features: Tensor, centers: Tensor) -> Tensor:
    """Return ½‖x − c‖² row by row."""
    return (features - centers).square().sum(1) / 2


def _start(num_classes: int, embedding_size: int) -> Tensor:
    if num_classes < 1 or embedding_size < 1:
        raise InputError(f"num_classes and embedding_size are at least 1; got {num_classes} and {embedding_size}")
    return torch.randn(num_classes, embedding_size) * 0.01


def _checked_weight(name: str, weight: float) -> float:
    if not 0 < weight < math.inf:
        raise InputError(f"weight of {name} is above 0; got {weight}. Without the term there is none to give")
    return float(weight)
