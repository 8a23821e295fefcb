"""Leave out other classes that are so near that they are likely the same person under another label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses.implementation import Comparison, Curve, Implementation, Logits, Own, Survey, Update

NO_COSINES = (
    "interclass_filter is a cosine, and the logits of this loss are none: its centers keep their lengths. Leave it "
    "out, or choose a loss over cosines, such as normface or arcface"
)


@dataclass(frozen=True, eq=False)
class Filtered:
    r"""See Implementation. The logit of another class with cos θ_j > threshold is 0 and gives no gradient.

    In data collected from the web a person often is in two folders; a head then pushes apart what belongs together.
    Beside a scaled logit of s·0.4 a logit of 0 counts for nothing.

    Source: An et al., "Killing Two Birds with One Stone: Efficient and Robust Training of Face Recognition CNNs by
    Partial FC", CVPR 2022, arXiv:2203.15565, whose public code filters above 0.4 for WebFace42M and is off elsewhere.
    Losses that sum terms of their own over the other classes lose those terms.

    Args:
        inner: what compares.
        threshold: a cosine in (−1, 1).

    Raises:
        InputError: the threshold is out of range.
    """

    inner: Implementation
    threshold: float

    def __post_init__(self) -> None:
        if not -1 < self.threshold < 1:
            raise InputError(f"interclass_filter is a cosine between −1 and 1; got {self.threshold}. Usual: 0.4")

    def compare(self, directions: Tensor, centers: Tensor, labels: Tensor, /) -> FilteredComparison:
        """Return the comparison of a batch."""
        return FilteredComparison(self.inner.compare(directions, centers, labels), self.threshold)

    def learning(self, update: Update, /) -> Filtered:
        """Return the same implementation whose backward pass hands the gradient of the centers to an update."""
        return replace(self, inner=self.inner.learning(update))


@dataclass(frozen=True, eq=False)
class FilteredComparison:
    """See Comparison. What a margin or a scale surveys is not filtered."""

    whole: Comparison
    threshold: float

    def own_cosine(self) -> Tensor:
        """Return the cosines of the true classes (N,), without gradient."""
        return self.whole.own_cosine()

    def survey(self, survey: Survey, /) -> Tensor:
        """Return the sums of a survey over all classes (N, K), without gradient."""
        return self.whole.survey(survey)

    def log_sum_exp(self, logits: Logits, /) -> tuple[Tensor, Own]:
        """Return log Σ exp(z_j) over the other classes (N,), z_j = 0 for those filtered, and the true class.

        Raises:
            InputError: the logits are no cosines, so that a threshold means nothing.
        """
        if not logits.normalized:
            raise InputError(NO_COSINES)
        return self.log_sum_exp_of_curve(lambda cosine: cosine, logits.scale)

    def log_sum_exp_of_curve(self, curve: Curve, scale: Tensor, /) -> tuple[Tensor, Own]:
        """Return log Σ exp(scale·curve(cos θ_j)) over the other classes (N,), and the true class."""
        return self.whole.log_sum_exp_of_curve(self._filtered(curve), scale)

    def sum_of_curve(self, curve: Curve, parameters: Sequence[Tensor], /) -> tuple[Tensor, Own]:
        """Return Σ curve(cos θ_j) over the other classes that are not filtered (N,), and the true class."""
        return self.whole.sum_of_curve(self._filtered(curve), parameters)

    def _filtered(self, curve: Curve) -> Curve:
        def filtered(cosine: Tensor) -> Tensor:
            values = curve(cosine)
            return torch.where(cosine > self.threshold, torch.zeros_like(values), values)

        return filtered
