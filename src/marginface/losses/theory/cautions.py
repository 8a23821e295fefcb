"""What theory says of a head, in sentences: what its margin is worth, and which bounds it violates."""

from __future__ import annotations

import math

import numpy as np
from torch import nn

from marginface.losses.head import MarginHead
from marginface.losses.margin import Cautions, ChangesOthers, HeadFacts, Margin, Observes, Reports
from marginface.losses.summed import without_terms
from marginface.losses.theory.bounds import scale_bound, widest_class_angle
from marginface.losses.theory.class_angle import class_margin, feasibility_angle
from marginface.losses.theory.curve import TargetCurve

POSTERIOR = 0.9  # a perfect feature that is not at least this sure of its class cannot be learned from to the end

_FLAT, _JUMP = 1e-6, 0.05  # rises of the target cosine over 0.1° that are rounding, and that are a step
_SHOWN = (30, 60, 90, 120, 180)  # class angles, degrees


def cautions_of(head: nn.Module) -> tuple[str, ...]:
    """Return a sentence for each bound that a head violates; none for a head without margin and scale.

    Three checks are made of every margin on the true class alone: the centers have room for the margin, the scale lets
    a perfect feature be sure of its class, and the target cosine falls with the angle. A margin that knows more says
    it itself (losses.margin.Cautions).

    >>> from marginface.losses import build
    >>> cautions_of(build("cosface", num_classes=8, embedding_size=2, margin=0.2))
    ()
    >>> print(*cautions_of(build("cosface", num_classes=8, embedding_size=2, margin=0.35)))
    the margin needs 49.5° between centers, and 8 centers in 2 dimensions have at most 45.0° for the nearest two
    """
    head = without_terms(head)
    if not isinstance(head, MarginHead):
        return ()
    facts = HeadFacts(head.centers.shape[0], head.centers.shape[-1], head.scale, head.gradient)
    general = () if facts.num_classes < 2 or isinstance(head.margin, ChangesOthers) else _general(head, facts)
    own = head.margin.cautions(facts) if isinstance(head.margin, Cautions) else ()
    return (*general, *own)


def facts_of(head: nn.Module) -> tuple[str, ...]:
    """Return what a head's margin is worth between two classes, in words; nothing for a head without a margin.

    A margin that learns from its batches is taken as it is, and the words say so.
    """
    head = without_terms(head)
    if not isinstance(head, MarginHead):
        return ()
    curve = TargetCurve(head.margin)
    needed = math.degrees(feasibility_angle(curve))
    worth = np.degrees(class_margin(curve, np.radians(_SHOWN)))
    if (np.abs(worth) < 0.05).all():
        return ("no margin between two classes, whatever the angle between their centers",)
    shown = ", ".join(
        f"none at {angle}°" if math.isnan(margin) else f"{margin:.1f}° at {angle}°"
        for angle, margin in zip(_SHOWN, worth.tolist(), strict=True)
    )
    room = (f"two centers need {needed:.1f}° between them for both to have their margin",) if needed > 0 else ()
    return (f"margin between two classes, by the angle between their centers{_given(head.margin)}: {shown}", *room)


def _given(margin: Margin) -> str:
    """Say what the worth of a margin hangs on: the length of a feature, what it has learned from its batches."""
    theta = np.linspace(0.1, 1.5, 8)
    short, long = TargetCurve(margin), TargetCurve(margin, feature_norm=50.0)
    given = [] if np.array_equal(short(theta), long(theta)) else [f"a feature of length {short.feature_norm:g}"]
    if isinstance(margin, Observes) and isinstance(margin, Reports):
        given += [f"{name} = {value:g}" for name, value in margin.report(0).items()]
    return f" (with {', '.join(given)})" if given else ""


def _general(head: MarginHead, facts: HeadFacts) -> tuple[str, ...]:
    curve = TargetCurve(head.margin)
    needed = feasibility_angle(curve)
    found = (_room(needed, facts), _scale(math.cos(needed), facts), _rise(curve, facts))
    return tuple(sentence for sentence in found if sentence)


def _room(needed: float, facts: HeadFacts) -> str:
    widest = widest_class_angle(facts.num_classes, facts.embedding_size)
    if needed <= widest + 1e-6:
        return ""
    return (
        f"the margin needs {math.degrees(needed):.1f}° between centers, and {facts.num_classes:,} centers in "
        f"{facts.embedding_size} dimensions have at most {math.degrees(widest):.1f}° for the nearest two"
    )


def _scale(perfect: float, facts: HeadFacts) -> str:
    least = scale_bound(facts.num_classes, POSTERIOR, perfect=perfect)
    if facts.scale is None or facts.scale >= least or least == math.inf:
        return ""
    return (
        f"scale {facts.scale:g} is too small for {facts.num_classes:,} classes: even a perfect feature would not reach "
        f"posterior {POSTERIOR:g}, which takes {least:.1f}"
    )


def _rise(curve: TargetCurve, facts: HeadFacts) -> str:
    """Say where a feature farther from its center is cheaper, as with some choices for ArcFace beyond π − m."""
    theta = np.linspace(0, math.pi, 1801)
    rise = np.diff(curve(theta))
    places = np.degrees(theta[np.flatnonzero(rise > _FLAT)])
    if len(places) and rise.max() > _JUMP:
        at = math.degrees(theta[int(rise.argmax())])
        return f"the target cosine jumps up by {rise.max():.2f} at {at:.1f}°: a feature just beyond is cheaper"
    if len(places) and facts.gradient == "exact":
        return (
            f"the target cosine rises with the angle from {places[0]:.1f}° to {places[-1] + 0.1:.1f}°, where the exact "
            "gradient pushes a feature away from its center"
        )
    return ""
