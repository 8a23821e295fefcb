"""The curve of a margin: the target cosine as a function of the angle, its derivatives, the loss it gives."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses.head import MarginHead
from marginface.losses.margin import ChangesOthers, Margin, MarginContext, Surveys
from marginface.losses.one_vs_all import OneVsAllHead
from marginface.values import DoubleArray

AFTER_ANNEALING = 1_000_000_000  # a step at which every schedule of a margin is at its end
_NEXT_TO_A_POLE = 1e-6  # derivatives at 0 and π are those this many radians inside


@dataclass(frozen=True, eq=False)
class TargetCurve:
    """ψ(θ) of a margin, apart from any head: angles (K,) → target cosines (K,).

    Of a margin that changes the other classes as well, ψ is one half: ``excess`` compares it with the other.

    Attributes:
        margin: the margin.
        feature_norm: ‖x‖, for margins that look at it (MagFace, AdaFace).
        step: the step of the training, for margins that follow it (SphereFace's annealing).
        class_angle: the angle between the own center and the only other one, the feature between them, for margins that
            look at the others (Dyn-ArcFace, NPCFace).

    >>> from marginface.losses import CosFace
    >>> TargetCurve(CosFace(0.35))(np.radians([0.0, 60.0])).round(2).tolist()
    [0.65, 0.15]
    """

    margin: Margin
    feature_norm: float = 1.0
    step: int = AFTER_ANNEALING
    class_angle: float = math.pi

    def __call__(self, theta: DoubleArray) -> DoubleArray:
        """Return ψ(θ)."""
        with torch.no_grad():
            return _array(self._margined(_cosines(theta)))

    def excess(self, theta: DoubleArray, other: DoubleArray) -> DoubleArray:
        """Return ψ(θ1) − φ(θ2): above 0 where a feature θ1 from its own center and θ2 from one other is of its class.

        φ is the cosine of the other center as the loss counts it: cos θ2 but for margins that change it
        (losses.margin.ChangesOthers). Centers of equal length.

        >>> from marginface.losses import Circle
        >>> TargetCurve(Circle()).excess(np.radians([0.0]), np.radians([90.0])).tolist()  # m² − (0² − m²)
        [0.125]
        """
        return self._excess(_cosines(theta), np.cos(np.asarray(other, dtype=np.float64)))

    def cosine_slope(self, theta: DoubleArray) -> DoubleArray:
        """Return dψ/d cos θ, the factor of the exact gradient; the straight-through gradient has 1 in its place."""
        cosine = _cosines(_inside(theta)).requires_grad_()
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(self._margined(cosine).sum(), cosine, materialize_grads=True)
        return _array(slope)

    def slope(self, theta: DoubleArray) -> DoubleArray:
        """Return dψ/dθ = −sin θ · dψ/d cos θ."""
        cosine = np.cos(_inside(theta))
        sine: DoubleArray = np.sqrt((1 - cosine) * (1 + cosine))
        return -sine * self.cosine_slope(theta)

    def loss(self, theta: DoubleArray, *, num_classes: int, scale: float) -> DoubleArray:
        """Return the loss log(1 + (C − 1)·exp(−s·(ψ(θ) − φ(90°)))) of a feature at 90° from all centers but its own.

        Without what a margin adds to the loss (losses.margin.Penalizes).
        """
        if num_classes < 2 or not 0 < scale < math.inf:
            raise InputError(f"a loss needs 2 or more classes and a scale above 0; got {num_classes} and {scale}")
        excess = self._excess(_cosines(theta), np.zeros(np.shape(theta)))
        return np.asarray(np.logaddexp(0.0, math.log(num_classes - 1) - scale * excess), dtype=np.float64)

    @torch.no_grad()
    def _excess(self, cosine: Tensor, other: DoubleArray) -> DoubleArray:
        others = torch.from_numpy(np.asarray(other, dtype=np.float64))[:, None]
        context = self._context(cosine, others)
        margined = self.margin(cosine, context)
        changed = (
            self.margin.others(others, cosine, margined, context) if isinstance(self.margin, ChangesOthers) else others
        )
        return _array(margined - changed[:, 0])

    def _margined(self, cosine: Tensor) -> Tensor:
        features = MarginContext.of_curve(cosine).features
        return self.margin(cosine, self._context(cosine, features @ self._centers(cosine)[1:].T))

    def _context(self, cosine: Tensor, others: Tensor) -> MarginContext:
        """Return the context of features with these cosines to their own center (K,) and to the other (K, 1)."""
        context = MarginContext.of_curve(cosine, step=self.step)
        if isinstance(self.margin, Surveys):
            all_other = torch.ones_like(others, dtype=torch.bool)
            context = replace(context, survey=self.margin.survey(others, all_other, cosine.detach(), context))
        return replace(context, features=context.features * self.feature_norm, centers=self._centers(cosine))

    def _centers(self, cosine: Tensor) -> Tensor:
        toward = cosine.new_tensor([math.cos(self.class_angle), math.sin(self.class_angle)])
        return torch.stack((torch.eye(2, dtype=cosine.dtype)[0], toward))


def curve_of(name: str, head: nn.Module, *, feature_norm: float = 1.0) -> TargetCurve:
    """Return the curve of a head's margin.

    Args:
        name: what the head is called in a message.
        head: from ``losses.build``.
        feature_norm: see TargetCurve.

    Raises:
        InputError: the head has no margin in a softmax over cosines, so that there is no such curve; or the length is
            not above 0.
    """
    if not 0 < feature_norm < math.inf:
        raise InputError(f"a feature has a length above 0; got {feature_norm}")
    if isinstance(head, OneVsAllHead):
        raise InputError(
            f"{name} has no curve: it asks of each class apart whether it is the one, by a threshold, so that two "
            f"classes have no boundary between them. 'marginface losses show {name}' says what it is"
        )
    if not isinstance(head, MarginHead):
        raise InputError(
            f"{name} has no curve: it is no margin on the cosine of the true class. "
            f"'marginface losses show {name}' says what it is"
        )
    return TargetCurve(head.margin, feature_norm)


def _cosines(theta: DoubleArray) -> Tensor:
    return torch.from_numpy(np.cos(np.asarray(theta, dtype=np.float64)))


def _array(values: Tensor) -> DoubleArray:
    return np.asarray(values.double().numpy(), dtype=np.float64)


def _inside(theta: DoubleArray) -> DoubleArray:
    return np.clip(np.asarray(theta, dtype=np.float64), _NEXT_TO_A_POLE, math.pi - _NEXT_TO_A_POLE)
