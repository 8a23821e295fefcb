"""Error-rate curves of one or several runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from marginface.metrics import Roc
from marginface.plots.style import INK, label, legend, line_style, new_figure
from marginface.values import DoubleArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DET_TICKS = (1e-8, 1e-6, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8)
_SMALLEST = 1e-9


def roc_figure(curves: Mapping[str, Roc]) -> Figure:
    """Draw TAR over FAR, FAR on a logarithmic axis that starts at one false accept."""
    figure, (axes,) = new_figure()
    floor = min(_smallest_step(curve.far) for curve in curves.values())
    for index, (name, curve) in enumerate(curves.items()):
        far, tar = _best_per_far(curve)
        axes.step(np.maximum(far, floor), 100 * tar, where="post", label=name, linewidth=1.8, **line_style(index))
    axes.set_xscale("log")
    axes.set_xlim(floor, 1)
    lowest = min(float(curve.tar[curve.far <= floor].max()) for curve in curves.values())
    _up_to_all(axes, lowest)
    label(axes, "False-accept rate (FAR, share of impostor pairs)", "True-accept rate (TAR), %", "ROC")
    legend(axes, "lower right")
    return figure


def _up_to_all(axes: Axes, lowest: float) -> None:
    """Let an axis of percent end at 100, from a little below a share; a line along its end keeps its full width."""
    from matplotlib.transforms import Bbox, TransformedBbox

    axes.set_ylim(max(0.0, 100 * lowest - 5), 100)
    whole = TransformedBbox(Bbox.from_bounds(0, 0, 1, 1.05), axes.transAxes)
    for line in axes.lines:
        line.set_clip_box(whole)


def _smallest_step(far: DoubleArray) -> float:
    """Return the smallest FAR above 0."""
    return float(far[far > 0].min())


def _best_per_far(curve: Roc) -> tuple[DoubleArray, DoubleArray]:
    """Return each FAR once, with its highest TAR."""
    last = np.append(np.flatnonzero(np.diff(curve.far)), len(curve.far) - 1)
    return curve.far[last], curve.tar[last]


def det_figure(curves: Mapping[str, Roc]) -> Figure:
    """Draw the false-reject rate over the FAR on normal-deviate axes: similarities of normal shape give straight lines.

    Each axis begins at half of one error.

    Source: Martin et al., "The DET curve in assessment of detection task performance", Eurospeech 1997.
    """
    figure, (axes,) = new_figure()
    left = _half_a_step([curve.far for curve in curves.values()])
    bottom = _half_a_step([1 - curve.tar for curve in curves.values()])
    for index, (name, curve) in enumerate(curves.items()):
        x, y = _deviates(curve.far, left), _deviates(1 - curve.tar, bottom)
        axes.plot(x, y, label=name, linewidth=1.8, drawstyle="steps-post", **line_style(index))
    _deviate_axes(axes, left, bottom)
    label(axes, "False-accept rate (FAR), %", "False-reject rate (FRR = 1 − TAR), %", "DET")
    legend(axes, "upper right")
    return figure


def _half_a_step(rates: Sequence[DoubleArray]) -> float:
    """Return half of the smallest rate above 0 of several curves; a quarter where that leaves no room for an axis."""
    return min(max(min(_smallest_step(one) for one in rates) / 2, _SMALLEST), 0.25)


def cmc_figure(curves: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the share of mated searches found at rank 1 … K, of each curve (K,)."""
    figure, (axes,) = new_figure()
    for index, (name, curve) in enumerate(curves.items()):
        ranks = np.arange(1, len(curve) + 1)
        axes.step(ranks, 100 * np.asarray(curve), where="post", label=name, linewidth=1.8, **line_style(index))
    axes.set_xscale("log")
    axes.set_xlim(1, max(2, *(len(curve) for curve in curves.values())))
    lowest = min(curve[0] for curve in curves.values())
    _up_to_all(axes, lowest)
    label(axes, "Rank", "Mated searches found, %", "CMC")
    legend(axes, "lower right")
    return figure


def distractor_figure(curves: Mapping[str, Mapping[int, float]]) -> Figure:
    """Draw the share of searches answered right over the number of distractors, each curve number → share."""
    figure, (axes,) = new_figure()
    for index, (name, curve) in enumerate(curves.items()):
        sizes = sorted(curve)
        shares = [100 * curve[size] for size in sizes]
        axes.plot(sizes, shares, marker="o", markersize=4, label=name, linewidth=1.8, **line_style(index))
    axes.set_xscale("log")
    lowest = min(min(curve.values()) for curve in curves.values())
    _up_to_all(axes, lowest)
    label(axes, "Distractors", "Searches answered right, %", "Among distractors")
    legend(axes)
    return figure


def _deviates(rates: DoubleArray, low: float) -> DoubleArray:
    """Return the normal deviates of rates, none below ``low`` or above 1 − low."""
    distinct, place = np.unique(np.clip(rates, low, 1 - low), return_inverse=True)
    normal = NormalDist()
    deviates: DoubleArray = np.array([normal.inv_cdf(float(rate)) for rate in distinct])[place]
    return deviates


def _deviate_axes(axes: Axes, left: float, bottom: float) -> None:
    ends = []
    for low, axis, limit in ((left, axes.xaxis, axes.set_xlim), (bottom, axes.yaxis, axes.set_ylim)):
        ticks = [tick for tick in _DET_TICKS if tick >= low]
        axis.set_ticks(_deviates(np.array(ticks), low).tolist(), labels=[f"{100 * tick:g}" for tick in ticks])
        ends.append(_deviates(np.array([low, 0.9]), low))
        limit(float(ends[-1][0]), float(ends[-1][1]))
    equal = [max(float(end[0]) for end in ends), float(ends[0][1])]
    axes.plot(equal, equal, color=INK, linewidth=0.8, linestyle=":", label="FAR = FRR")
