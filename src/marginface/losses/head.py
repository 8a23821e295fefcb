"""The head: class centers, cosines, a margin on the target, softmax cross entropy. It knows no loss by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from marginface.errors import InputError
from marginface.losses.centers import ClassCenters
from marginface.losses.cross_entropy import ABSENT, against_others
from marginface.losses.implementation import SMALLEST_NORM, Comparison, Curve, Logits
from marginface.losses.margin import (
    ChangesOthers,
    ComparesCenters,
    Margin,
    MarginContext,
    Observes,
    Penalizes,
    Reports,
    Surveys,
)
from marginface.losses.scale import FixedScale, Scale
from marginface.losses.sharded.shard import Shard

Gradient = Literal["exact", "straight_through"]


class MarginHead(ClassCenters):
    r"""Features (N, D), labels (N,) → mean loss.

    loss_i = softplus(LSE_{j≠y}(s·φ(cos θ_j)) − s·ψ(cos θ_y)) + penalty_i

    φ is the identity and the penalty 0 unless the margin says otherwise (losses.margin). All of it runs in the dtype of
    the centers, float32, whatever the dtype of an autocast around it. A sample with label −1 ("this center is not
    here") is left out of the mean. The head sees the true class and a sum over the others; how that sum is computed is
    the implementation's matter (losses.implementation).

    Args:
        num_classes: C, the number of identities.
        embedding_size: D.
        margin: ψ.
        scale: s, a number or a Scale.
        gradient: "exact" is the derivative of the formula; "straight_through" takes ψ' = φ' = 1, as insightface and the
            authors of X2-Softmax do: the gradient by the cosines is s·(p − onehot), and ψ only shapes p.
        sub_centers: K, how many centers a class has; above 1 its cosine is that of the nearest (losses.subcenter).
        shard: the classes whose centers this process holds (losses.sharded); None: all.

    Attributes:
        centers: (C, D), or (C, K, D) with K > 1; not normalized; N(0, 0.01) at first. See ClassCenters.
        implementation: how sums over classes are computed, see ClassCenters.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(
        self,
        num_classes: int,
        embedding_size: int,
        *,
        margin: Margin,
        scale: float | Scale = 64.0,
        gradient: Gradient = "exact",
        sub_centers: int = 1,
        shard: Shard | None = None,
    ) -> None:
        super().__init__(num_classes, embedding_size, sub_centers, shard)
        self.margin, self.gradient = margin, checked_gradient(gradient)
        self.scaling: Scale = FixedScale(scale) if isinstance(scale, int | float) else scale
        if self.scaling.keeps_center_norms and isinstance(margin, ChangesOthers):
            raise InputError(f"{type(margin).__name__} changes cosines of other classes; its centers have no norms")
        if self.scaling.keeps_center_norms and sub_centers > 1:
            raise InputError(
                f"sub_centers above 1 are for centers of length 1; got {sub_centers} with {type(scale).__name__}, "
                "which keeps their lengths"
            )
        if shard is not None and shard.has_others and isinstance(margin, ComparesCenters):
            raise InputError(
                f"{margin.needs_all_centers()}, so all have to be in one process, and this one has {shard}: leave "
                "implementation 'sharded' to other losses"
            )
        self._margin_strength = 1.0

    @property
    def scale(self) -> float | None:
        """The s of the papers where it is fixed, else None."""
        return self.scaling.value if isinstance(self.scaling, FixedScale) else None

    @property
    def compares_cosines(self) -> bool:
        """Whether the lengths of the centers are no part of the logits."""
        return not self.scaling.keeps_center_norms

    @property
    def margin_strength(self) -> float:
        """λ in [0, 1] of ψ_λ = (1 − λ)·cos θ + λ·ψ(cos θ); 1 at first. Raise it over the first steps to warm up.

        Linear annealing between no margin and all of it, as in SphereFace (arXiv:1704.08063), whose own λ is another:
        its 1/(1 + λ) is ours. It holds for φ too, and the penalty is multiplied by it. It is no part of the saved
        state; the trainer sets it from the step.
        """
        return self._margin_strength

    @margin_strength.setter
    def margin_strength(self, strength: float) -> None:
        self._margin_strength = checked_strength(strength)

    def report(self, step: int) -> dict[str, float]:
        """Return what margin and scale have to say at a step, by name; empty for most losses."""
        speakers = (part for part in (self.margin, self.scaling) if isinstance(part, Reports))
        return {name: value for speaker in speakers for name, value in speaker.report(step).items()}

    def _losses(self, features: Tensor, labels: Tensor, step: int) -> Tensor:
        """Return the loss of each sample (N,)."""
        known, present = labels.clamp_min(0), labels != ABSENT
        comparison = self.implementation.compare(functional.normalize(features), self.centers, known)
        context = MarginContext(features, known, present, self.centers, step, self.training)
        context, curve = self._informed(comparison, context)
        scale = self.scaling(context)
        normalized = not self.scaling.keeps_center_norms
        if curve is None:
            others, own = comparison.log_sum_exp(Logits(scale, normalized))
        else:
            others, own = comparison.log_sum_exp_of_curve(curve, scale)
        target = own.product if normalized else own.product / own.norm.clamp_min(SMALLEST_NORM)
        margined = self._through(target, self.margin(target, context))
        losses = against_others(others, scale.view(-1) * own.norm * margined)
        if isinstance(self.margin, Penalizes):
            losses = losses + self.margin_strength * self.margin.penalty(context)
        return losses

    @torch.no_grad()
    def _informed(self, comparison: Comparison, context: MarginContext) -> tuple[MarginContext, Curve | None]:
        """Let scale and margin look at the batch first; return what the margin knows and its curve over the others."""
        margin, scaling = self.margin, self.scaling
        if not any(isinstance(part, Surveys | Observes | ChangesOthers) for part in (margin, scaling)):
            return context, None
        target = comparison.own_cosine()
        self._inform(scaling, comparison, target, context)
        context = self._inform(margin, comparison, target, context)
        if not isinstance(margin, ChangesOthers):
            return context, None
        margined = self._through(target, margin(target, context))
        return context, lambda cosine: self._through(cosine, margin.others(cosine, target, margined, context))

    def _inform(
        self, part: Margin | Scale, comparison: Comparison, target: Tensor, context: MarginContext
    ) -> MarginContext:
        """Let a part survey the other classes, and in training learn from the batch; return what it knows."""
        if isinstance(part, Surveys):

            def survey(cosine: Tensor, other: Tensor) -> Tensor:
                return part.survey(cosine, other, target, context)

            context = replace(context, survey=comparison.survey(survey))
        if isinstance(part, Observes) and self.training:
            part.observe(target, replace(context, present=context.present & target.isfinite()))
        return context

    def _through(self, before: Tensor, after: Tensor) -> Tensor:
        """Return the margined cosines at the present strength, with the gradient of this head."""
        return bent(before, after, self.margin_strength, self.gradient)


def bent(before: Tensor, after: Tensor, strength: float, gradient: Gradient) -> Tensor:
    """Return cosines part of the way from before to after a margin; "straight_through": with the derivative 1."""
    blended = after if strength == 1 else torch.lerp(before, after, strength)
    return before + (blended - before).detach() if gradient == "straight_through" else blended


def checked_gradient(gradient: Gradient) -> Gradient:
    """Return the gradient, or raise InputError if it is none."""
    if gradient not in get_args(Gradient):
        raise InputError(f"gradient is 'exact' or 'straight_through'; got {gradient!r}")
    return gradient


def checked_strength(strength: float) -> float:
    """Return a margin_strength, or raise InputError if it is outside [0, 1]."""
    if not 0 <= strength <= 1:
        raise InputError(f"margin_strength is in [0, 1]: 0 is no margin, 1 all of it; got {strength}")
    return float(strength)
