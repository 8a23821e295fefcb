"""What the reader of a picture of a margin must know besides: what of a loss each kind shows, and where it shows none.

logit          ψ of any margin. What a loss does to the other classes is not in it, nor what it adds to the loss.
derivative     the factor of p − 1 by the true class's cosine. The factors of the other classes are not in it.
decision       the regions of two classes, of any margin in a softmax over cosines, whatever it does to the other class
margin         likewise, over the angle between the two centers. None where a class is in pieces.
loss           the loss of one feature, all others at 90° and changed as the loss does; without a penalty that is added

Angles need centers of equal length: true of all losses but lsoftmax, whose centers may choose.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from marginface.values import BoolArray

if TYPE_CHECKING:
    from marginface.losses.theory import TargetCurve

BETWEEN_TWO = ("decision", "margin")
_DEGREES = np.linspace(0.25, 180, 720)


def remarks(kind: str, curve: TargetCurve) -> tuple[str, ...]:
    """Return what the picture of a kind leaves open about a margin, in sentences; empty for most.

    >>> from marginface.losses import MVSoftmax
    >>> from marginface.losses.theory import TargetCurve
    >>> remarks("logit", TargetCurve(MVSoftmax()))
    ("the other classes are changed as well, which is not shown: 'marginface curves --kind margin' has both",)
    """
    parts = (_state(curve), _others(kind, curve), _place(kind, curve), _penalty(kind, curve), _gap(kind, curve))
    return tuple(part for part in parts if part)


def no_boundary(kind: str, curve: TargetCurve) -> str:
    """Return why two classes have no boundary that a picture of this kind could show; empty if they have."""
    if kind not in BETWEEN_TWO:
        return ""
    from marginface.losses.theory import class_margin

    between = np.radians(_DEGREES)
    if not _in_pieces_at(curve).any() or np.isfinite(class_margin(curve, between)).any():
        return ""
    return "a class is in pieces at every angle between two centers: a feature leaves it and returns on its way"


def _in_pieces_at(curve: TargetCurve) -> BoolArray:
    """Return, for each quarter of a degree between two centers, whether a class with room for it is in pieces."""
    from marginface.losses.theory import feasibility_angle, in_pieces

    between = np.radians(_DEGREES)
    return in_pieces(curve, between) & (between > feasibility_angle(curve))


def _state(curve: TargetCurve) -> str:
    from marginface.losses.margin import Observes, Reports

    margin = curve.margin
    if not isinstance(margin, Observes) or not isinstance(margin, Reports):
        return ""
    values = ", ".join(f"{name} = {value:g}" for name, value in margin.report(curve.step).items())
    return f"it learns from its batches; drawn with {values}"


def _others(kind: str, curve: TargetCurve) -> str:
    from marginface.losses.margin import ChangesOthers

    if kind not in ("logit", "derivative") or not isinstance(curve.margin, ChangesOthers):
        return ""
    return "the other classes are changed as well, which is not shown: 'marginface curves --kind margin' has both"


def _place(kind: str, curve: TargetCurve) -> str:
    from marginface.losses.theory import looks_at_the_other

    if kind in BETWEEN_TWO or not looks_at_the_other(curve):
        return ""
    place = "90°" if kind == "loss" else f"{math.degrees(curve.class_angle):.0f}° from the own center"
    return f"its target depends on where the other classes are; drawn with one other, at {place}"


def _penalty(kind: str, curve: TargetCurve) -> str:
    from marginface.losses.margin import Penalizes

    return "without the term that it adds" if kind == "loss" and isinstance(curve.margin, Penalizes) else ""


def _gap(kind: str, curve: TargetCurve) -> str:
    if kind not in BETWEEN_TWO:
        return ""
    pieces = _DEGREES[_in_pieces_at(curve)]
    if len(pieces) == 0:
        return ""
    where = f"{pieces[0]:g}°" if len(pieces) == 1 else f"{pieces[0]:g}° to {pieces[-1]:g}°"
    return f"no margin at angles between two centers of about {where}: a class is in pieces there"
