"""The head of losses that are no softmax: each class is a question of its own, "is it this one?"."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor
from torch.nn import functional

from marginface.errors import InputError
from marginface.losses.centers import ClassCenters
from marginface.losses.head import Gradient, bent, checked_gradient, checked_strength
from marginface.losses.margin import Reports
from marginface.losses.sharded.shard import Shard


class Rule(Protocol):
    """The two terms of such a loss. Both work number by number, so classes may be taken tile by tile."""

    @property
    def scale(self) -> float:
        """Return s of the papers."""
        ...

    def positive(self, own: Tensor, /) -> Tensor:
        """Return the term of the true class (N,) from its cosines (N,), ψ of them if the rule bends."""
        ...

    def negative(self, others: Tensor, /) -> Tensor:
        """Return the terms of some classes (N, C') from their cosines (N, C'), φ of them if the rule bends.

        What it returns at the true class is not looked at.
        """
        ...


@runtime_checkable
class Bends(Protocol):
    """Has a margin: curves over the cosines, before the terms are taken. Only then is there a gradient to choose."""

    def own(self, target: Tensor, /) -> Tensor:
        """Return ψ of the cosines of the true class (N,)."""
        ...

    def others(self, others: Tensor, /) -> Tensor:
        """Return φ of the cosines of some other classes (N, C')."""
        ...


class OneVsAllHead(ClassCenters):
    r"""Features (N, D), labels (N,) → mean loss.

    loss_i = positive(ψ(cos θ_y)) + Σ_{j≠y} negative(φ(cos θ_j)), with ψ and φ the identity unless the rule bends.

    All of it runs in the dtype of the centers, float32, whatever the dtype of an autocast around it. A sample with
    label −1 ("the center of this sample is not here") is left out of the mean. With a single class there is no negative
    term and the loss is the positive one, not 0 as that of a softmax.

    Args:
        num_classes: C, the number of identities.
        embedding_size: D.
        rule: the two terms.
        gradient: "exact" is the derivative of the formula; "straight_through" takes ψ' = φ' = 1. SphereFace2 calls the
            latter "characteristic gradient detachment". A rule that bends no cosine has only the exact one.
        shard: the classes whose centers this process holds (losses.sharded); None: all.

    Attributes:
        centers: (C, D), not normalized; N(0, 0.01) at first. See ClassCenters.
        implementation: how sums over classes are computed, see ClassCenters.
        is_softmax: false: the loss of a fresh head is not near log C.

    Raises:
        InputError: an argument is out of range.
    """

    is_softmax = False

    def __init__(
        self,
        num_classes: int,
        embedding_size: int,
        *,
        rule: Rule,
        gradient: Gradient = "exact",
        shard: Shard | None = None,
    ) -> None:
        super().__init__(num_classes, embedding_size, shard=shard)
        self.rule, self.gradient = rule, checked_gradient(gradient)
        if gradient == "straight_through" and not isinstance(rule, Bends):
            raise InputError(
                f"gradient of {type(rule).__name__} is 'exact' only: it puts no curve on the cosines that a gradient "
                f"could go straight through; got {gradient!r}. Leave gradient out."
            )
        self._margin_strength = 1.0

    @property
    def scale(self) -> float:
        """The s of the papers."""
        return self.rule.scale

    @property
    def margin_strength(self) -> float:
        """λ in [0, 1] of (1 − λ)·cos θ + λ·ψ(cos θ), and so for φ; 1 at first. Absent where the rule bends nothing."""
        if not isinstance(self.rule, Bends):
            raise AttributeError(f"{type(self.rule).__name__} has no margin, so no margin_strength")  # noqa: TRY004
        return self._margin_strength

    @margin_strength.setter
    def margin_strength(self, strength: float) -> None:
        if not isinstance(self.rule, Bends):
            raise InputError(f"{type(self.rule).__name__} has no margin that could grow; leave margin_strength alone")
        self._margin_strength = checked_strength(strength)

    def report(self, step: int) -> dict[str, float]:
        """Return what the rule has to say at a step, by name."""
        return dict(self.rule.report(step)) if isinstance(self.rule, Reports) else {}

    def _losses(self, features: Tensor, labels: Tensor, step: int) -> Tensor:  # noqa: ARG002
        directions = functional.normalize(features)
        comparison = self.implementation.compare(directions, self.centers, labels.clamp_min(0))
        negatives, own = comparison.sum_of_curve(self._negative, self.learned_by_parts)
        return self.rule.positive(self._own(own.product)) + negatives

    def _own(self, target: Tensor) -> Tensor:
        """Return ψ of the cosines of the true class (N,)."""
        if not isinstance(self.rule, Bends):
            return target
        return bent(target, self.rule.own(target), self._margin_strength, self.gradient)

    def _negative(self, cosine: Tensor) -> Tensor:
        """Return the terms of other classes (N, C') from their cosines."""
        if not isinstance(self.rule, Bends):
            return self.rule.negative(cosine)
        return self.rule.negative(bent(cosine, self.rule.others(cosine), self._margin_strength, self.gradient))


def softplus(logit: Tensor) -> Tensor:
    """Return log(1 + eᶻ), to the last digit and with its gradient σ(z) at any z.

    torch's own softplus returns z itself above 20, which costs digits in float64.
    """
    return -functional.logsigmoid(-logit)
