"""Pictures of margins as the papers draw them, without any training: one line or panel for each loss.

Each function takes the curves of losses by name (losses.theory.TargetCurve); angles are drawn in degrees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from marginface.errors import InputError
from marginface.plots.style import COLORS, GRID, INK, label, legend, line_style, new_figure
from marginface.values import DoubleArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from marginface.losses.theory import TargetCurve

Curves = Mapping[str, "TargetCurve"]

_POINTS = 361  # half a degree
_DEEPEST = (
    -3.2
)  # the lowest target cosine and the largest factor that are drawn: the rest of a curve leaves the picture
_STEEPEST = 4.2
_TO_CENTER = "Angle θ between feature and class center, degrees"


def margin_figure(angles: DoubleArray, curves: Mapping[str, DoubleArray]) -> Figure:
    """Draw the target cosine with margin, ψ(θ), beside cos θ (ArcFace, figure 4a); what is done to others is not seen.

    ``angles`` (K,) are radians; each curve (K,) is ψ(θ), before the scale.
    """
    figure, (axes,) = new_figure()
    axes.plot(np.degrees(angles), np.cos(angles), color=INK, linewidth=1.0, label="cos θ (no margin)")
    lowest = _lines(axes, angles, curves)
    axes.set_ylim(max(min(lowest, -1.0), _DEEPEST) - 0.1, 1.3)
    _degree_axis(axes)
    label(axes, _TO_CENTER, "Target cosine with margin, ψ(θ)", "Margin curves")
    legend(axes, "upper right")
    return figure


def derivative_figure(curves: Curves) -> Figure:
    """Draw what each gradient multiplies p − onehot with: by the cosine above, by the angle below.

    The straight-through gradient, the same for all, is the thin black line: 1 by the cosine, sin θ by the angle.
    """
    figure, (by_cosine, by_angle) = new_figure(2, height=6.4)
    theta = _angles()[1:-1]
    degrees, straight = np.degrees(theta), "straight-through, every loss"
    by_cosine.plot(degrees, np.ones_like(theta), color=INK, linewidth=1.0, zorder=5, label=straight)
    by_angle.plot(degrees, np.sin(theta), color=INK, linewidth=1.0, zorder=5, label=straight)
    lowest = _lines(by_cosine, theta, {name: curve.cosine_slope(theta) for name, curve in curves.items()})
    _lines(by_angle, theta, {name: -curve.slope(theta) for name, curve in curves.items()})
    by_cosine.set_ylim(min(0.0, max(lowest, -1.5)) - 0.1, _STEEPEST)
    for axes in (by_cosine, by_angle):
        _degree_axis(axes)
    label(by_cosine, "", "dψ/d cos θ", "Exact gradient by the cosine")
    label(by_angle, _TO_CENTER, "−dψ/dθ", "Exact gradient by the angle")
    legend(by_cosine)
    return figure


def decision_figure(curves: Curves) -> Figure:
    """Draw, in the plane of the angles to two centers, which class a feature is safely of (ArcFace, figure 5).

    A margin that changes the other class, or looks at where its center is, is asked for both angles.
    """
    columns = min(len(curves), 3)
    rows = math.ceil(len(curves) / columns)
    figure, panels = new_figure(len(curves), columns=columns, width=0.6 + 2.7 * columns, height=0.7 + 2.8 * rows)
    for place, (axes, (name, curve)) in enumerate(zip(panels, curves.items(), strict=True)):
        _regions(axes, curve)
        label(axes, "θ1, degrees", "θ2, degrees" if place % columns == 0 else "", name)
    return figure


def class_margin_figure(curves: Curves) -> Figure:
    """Draw the margin between two classes over the angle between their centers (X2-Softmax, figure 4).

    A cross is the smallest angle at which both can have their margin; a bar at the bottom covers the angles below it.
    """
    from marginface.losses.theory import class_margin

    figure, (axes,) = new_figure()
    between = np.linspace(math.pi / 720, math.pi, 2 * _POINTS)
    margins = {name: class_margin(curve, between) for name, curve in curves.items()}
    lowest = _lines(axes, between, {name: np.degrees(margin) for name, margin in margins.items()})
    top = max(10.0, *(float(np.degrees(np.nanmax(margin, initial=0.0))) for margin in margins.values()))
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1.08 * top)
    _mark_infeasible(axes, curves, 0.055 * top, min(0.0, round(lowest) if math.isfinite(lowest) else 0.0))
    _degree_axis(axes)
    label(
        axes,
        r"Angle $\theta_w$ between the class centers, degrees",
        "Margin θ2 − θ1, degrees",
        "Margin between two classes",
    )
    legend(axes)
    return figure


def landscape_figure(curves: Curves, *, num_classes: int, scale: float) -> Figure:
    """Draw the loss of a feature at 90° from all other centers over the angle to its own, on a logarithmic axis.

    The scale is the same for all, also for a loss whose own is a norm or is learned.
    """
    figure, (axes,) = new_figure()
    theta = _angles()
    losses = {name: curve.loss(theta, num_classes=num_classes, scale=scale) for name, curve in curves.items()}
    _lines(axes, theta, losses)
    axes.axhline(
        math.log(num_classes), color=INK, linewidth=1.0, linestyle=":", label=f"ln C = {math.log(num_classes):.1f}"
    )
    axes.set_yscale("log")
    axes.set_ylim(1e-6, 2 * max(float(loss.max()) for loss in losses.values()))
    _degree_axis(axes)
    title = f"Loss of one feature, C = {num_classes:,}, s = {scale:g}, other centers at 90°"
    label(axes, _TO_CENTER, "Loss, nats", title)
    legend(axes, "lower right")
    return figure


def margin_picture(kind: str, curves: Curves, *, num_classes: int = 10_000, scale: float = 64.0) -> Figure:
    """Return the picture of a kind: logit, derivative, decision, margin or loss.

    Args:
        kind: see the functions of this file.
        curves: one or more.
        num_classes: C, of the kind "loss".
        scale: s, of the kind "loss".

    Raises:
        InputError: there is no such kind, or no curve.
    """
    if not curves:
        raise InputError("a picture of margins needs one loss or more; got none")
    kinds: dict[str, Callable[[], Figure]] = {
        "logit": lambda: margin_figure(_angles(), {name: curve(_angles()) for name, curve in curves.items()}),
        "derivative": lambda: derivative_figure(curves),
        "decision": lambda: decision_figure(curves),
        "margin": lambda: class_margin_figure(curves),
        "loss": lambda: landscape_figure(curves, num_classes=num_classes, scale=scale),
    }
    if kind not in kinds:
        raise InputError(f"kind of a picture is one of {', '.join(kinds)}; got {kind!r}")
    return kinds[kind]()


def _angles() -> DoubleArray:
    return np.linspace(0.0, math.pi, _POINTS)


def _lines(axes: Axes, theta: DoubleArray, values: Mapping[str, DoubleArray]) -> float:
    """Draw a line for each name and return the lowest value."""
    for index, (name, line) in enumerate(values.items()):
        axes.plot(np.degrees(theta), line, label=name, linewidth=1.8, **line_style(index))
    return min(float(np.nanmin(line, initial=math.inf)) for line in values.values())


def _degree_axis(axes: Axes) -> None:
    axes.set_xlim(0, 180)
    axes.set_xticks(range(0, 181, 30))


def _regions(axes: Axes, curve: TargetCurve) -> None:
    """Fill where ψ(θ1) > φ(θ2) and where ψ(θ2) > φ(θ1), and draw θ1 = θ2."""
    own, other = (np.degrees(angles) for angles in _class_end(curve))
    axes.fill_between(own, other, 90, where=other < 90, color=COLORS[0], alpha=0.22, hatch="//")
    axes.fill_betweenx(own, other, 90, where=other < 90, color=COLORS[1], alpha=0.22, hatch="\\\\")
    axes.plot(own, other, color=COLORS[0], linewidth=1.6)
    axes.plot(other, own, color=COLORS[1], linewidth=1.6)
    axes.plot([0, 90], [0, 90], color=INK, linewidth=0.8, linestyle=":")
    box = {"facecolor": "white", "edgecolor": GRID, "boxstyle": "round,pad=0.25"}
    for x, y, text in ((10, 82, "class 1"), (79, 7, "class 2")):
        axes.text(x, y, text, ha="center", va="center", fontsize=8, color=INK, bbox=box)
    axes.set_aspect("equal")
    for limits, ticks in ((axes.set_xlim, axes.set_xticks), (axes.set_ylim, axes.set_yticks)):
        limits(0, 90)
        ticks([0, 30, 60, 90])


def _class_end(curve: TargetCurve) -> tuple[DoubleArray, DoubleArray]:
    """Return the angles θ1 to the own center and θ2 to the other at which a class ends.

    Of a curve alone θ2 = arccos ψ(θ1). Else from the margin between two classes, whose sum θ1 + θ2 is their angle.
    """
    from marginface.losses.theory import boundary, class_margin, feasibility_angle, is_of_target_alone

    if is_of_target_alone(curve):
        theta = np.linspace(0, math.pi / 2, 91)
        return theta, boundary(curve, theta)
    between = np.linspace(feasibility_angle(curve) + 1e-9, math.pi, _POINTS // 2)
    margin = class_margin(curve, between)
    return (between - margin) / 2, (between + margin) / 2


def _mark_infeasible(axes: Axes, curves: Curves, height: float, floor: float) -> None:
    """Put a cross where each curve begins, and below all of them a bar over the angles without it."""
    from marginface.losses.theory import class_margin, feasibility_angle

    found = {index: (feasibility_angle(curve), curve) for index, curve in enumerate(curves.values())}
    limited = {index: (least, curve) for index, (least, curve) in found.items() if least > 0}
    for place, (index, (least, curve)) in enumerate(limited.items()):
        color, end = line_style(index)["color"], math.degrees(least)
        first = np.degrees(class_margin(curve, np.array([least + 1e-9])))
        axes.plot([end], first, "x", color=color, markersize=8, markeredgewidth=2)
        bottom = floor - (place + 1) * height
        axes.barh(bottom, end, 0.75 * height, align="edge", color=color, alpha=0.35, edgecolor=color, hatch="////")
    if limited:
        shown = [tick for tick in axes.get_yticks() if floor <= tick <= axes.get_ylim()[1]]
        axes.set_ylim(bottom=floor - (len(limited) + 0.6) * height)
        axes.set_yticks(shown)
        longest = max(math.degrees(least) for least, _ in limited.values())
        text = "class angles without room for the margin"
        axes.text(longest + 2, floor - 0.5 * (len(limited) + 0.25) * height, text, fontsize=8, color=INK, va="center")
