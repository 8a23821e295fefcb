r"""The losses of a study: what was written, as [loss] sections of a recipe.

A margin that is not named is fitted. The articles' own margins are for 512 dimensions; in the plane C centers are at
most δ = 2π/C apart, and CosFace's 0.35 needs more than that from eight classes on. So a margin without a number is the
one that is worth δ/2 between two neighbors: a class ends δ/4 from its center, ψ(δ/4) = cos(3δ/4). All margin losses
then ask for the same between neighbors, and differ in all else.

    cosface    m = 2·sin(δ/2)·sin(δ/4)
    arcface    m = δ/2
    x2softmax  k = cos(3δ/4) − a·(δ/4 − h)²
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn

from marginface.errors import InputError
from marginface.losses import LOSSES, MarginHead, SoftmaxHead, X2Softmax
from marginface.losses.notation import WrittenLoss
from marginface.losses.table import HeadRequest, MarginLoss, Option
from marginface.losses.theory import TargetCurve, cautions_of, feasibility_angle, widest_class_angle
from marginface.training.comparing.variants import OF_THE_SECTION

SCALE = 16.0  # with 64 a cosine softmax without a margin is content with two thirds of the gap (docs/experiments.md)
WARM_UP = {"margin_from": 0.3, "margin_full": 0.6}  # from the end of the start that all losses share (toy.start)
FITTED_RULE = (
    "A fitted margin is worth half the widest possible angle between neighboring class centers, so that all fitted "
    "margins ask for the same between neighbors."
)


@dataclass(frozen=True)
class ToyLoss:
    """A loss of the study.

    Attributes:
        label: as it was written.
        name: in the table of losses.
        options: every parameter that is not the paper's default, the fitted ones included.
        fitted: the parameters that nobody wrote.
        section: the [loss] section of its recipe.
        cautions: what theory has to say against it, in sentences.
        above_bound: a sentence if so many classes have no room for the margin, else empty.
    """

    label: str
    name: str
    options: Mapping[str, Option]
    fitted: tuple[str, ...]
    section: Mapping[str, Any]
    cautions: tuple[str, ...]
    above_bound: str

    @property
    def parameters(self) -> str:
        """Return the parameters in words, those that were fitted marked."""
        return ", ".join(
            f"{key} = {_short(value)}{' (fitted)' if key in self.fitted else ''}" for key, value in self.options.items()
        )


def toy_losses(written: tuple[WrittenLoss, ...], classes: int, size: int) -> tuple[ToyLoss, ...]:
    """Return the losses for C classes in D dimensions.

    Raises:
        UnknownName: no such loss, or no such parameter of it.
        InputError: a value is out of range, the loss has no class centers to draw, or D is neither 2 nor 3.
    """
    if size not in (2, 3):
        raise InputError(f"features are drawn in 2 or 3 dimensions; got {size}")
    return tuple(_entry(loss, classes, size) for loss in written)


def _entry(loss: WrittenLoss, classes: int, size: int) -> ToyLoss:
    fitted = _fitted(loss, widest_class_angle(classes, size))
    line = LOSSES[loss.name]
    scale = {"scale": SCALE} if isinstance(line, MarginLoss) and "scale" not in loss.options else {}
    options = {**loss.options, **fitted, **scale}
    head = head_of(loss.name, options, classes, size)
    warm_up = WARM_UP if hasattr(head, "margin_strength") else {}
    own = {key: value for key, value in options.items() if key not in OF_THE_SECTION}
    section = {"name": loss.name, **{key: options[key] for key in OF_THE_SECTION if key in options}, **warm_up}
    above = _above_bound(loss.text, head, classes, size)
    return ToyLoss(loss.text, loss.name, options, tuple(fitted), {**section, "options": own}, cautions_of(head), above)


def _above_bound(label: str, head: nn.Module, classes: int, size: int) -> str:
    """Say if the margin needs a wider angle between neighbors than so many centers can all have."""
    inner = innermost(head)
    needed = feasibility_angle(TargetCurve(inner.margin)) if isinstance(inner, MarginHead) else 0.0
    widest = widest_class_angle(classes, size)
    if needed <= widest + 1e-6:
        return ""
    return (
        f"{label} is above the bound: its margin needs {math.degrees(needed):.1f}° between class centers, and "
        f"{classes} centers in {size} dimensions keep at most {math.degrees(widest):.1f}°. Some classes cannot have "
        f"it. For cosface the bound is m ≤ {1 - math.cos(widest):.3f}."
    )


def head_of(name: str, options: Mapping[str, Option], classes: int, size: int) -> nn.Module:
    """Return a fresh head of a loss with these parameters, scale and gradient among them; torch's random state stays.

    Raises:
        UnknownName: no such loss, or no such parameter of it.
        InputError: a value is out of range, or the loss has no single center for each class.
    """
    chosen = {key: value for key, value in options.items() if key not in ("scale", "gradient")}
    scale, gradient = options.get("scale"), options.get("gradient", "exact")
    request = HeadRequest(name, classes, size, cast(Any, scale), cast(Any, gradient), chosen)
    with torch.random.fork_rng(devices=[]):
        head = LOSSES[name].head(request)
    centers = getattr(head, "centers", None)
    if not isinstance(centers, torch.Tensor) or centers.ndim != 2:
        raise InputError(
            f"{name} has no single center for each class, and the picture is of features and class centers. "
            "Choose a loss that has: softmax, normface, sphereface, cosface, arcface, x2softmax …"
        )
    return head


def _fitted(loss: WrittenLoss, widest: float) -> dict[str, Option]:
    """Return the margin that nobody wrote; nothing for a loss that has no rule here or whose margin was written."""
    if loss.name not in _FIT:
        return {}
    name, fit = _FIT[loss.name]
    return {} if name in loss.options else {name: round(fit(widest, loss.options), 4)}


def _fit_cosine(widest: float, options: Mapping[str, Option]) -> float:  # noqa: ARG001
    return 2 * math.sin(widest / 2) * math.sin(widest / 4)


def _fit_angle(widest: float, options: Mapping[str, Option]) -> float:  # noqa: ARG001
    return widest / 2


def _fit_quadratic(widest: float, options: Mapping[str, Option]) -> float:
    a, h = (float(options.get(name, getattr(X2Softmax, name))) for name in ("a", "h"))
    return math.cos(3 * widest / 4) - a * (widest / 4 - h) ** 2


_FIT: dict[str, tuple[str, Callable[[float, Mapping[str, Option]], float]]] = {
    "cosface": ("margin", _fit_cosine),
    "amsoftmax": ("margin", _fit_cosine),
    "arcface": ("margin", _fit_angle),
    "x2softmax": ("k", _fit_quadratic),
}


def innermost(head: nn.Module) -> nn.Module:
    """Return the head that others add their terms to."""
    inner = getattr(head, "head", None)
    return innermost(inner) if isinstance(inner, nn.Module) else head


def is_plain(head: nn.Module) -> bool:
    """Say whether a head decides by W·x + b, and not by the angle."""
    return isinstance(innermost(head), SoftmaxHead)


def _short(value: Option) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
