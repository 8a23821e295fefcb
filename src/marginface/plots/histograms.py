"""Where the similarities of genuine and impostor pairs lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from marginface.metrics import SimilarityCounts
from marginface.plots.style import COLORS, DASHES, INK, label, legend, new_figure
from marginface.values import DoubleArray, IntArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BARS = 100  # of counted similarities, from −1 to 1: width 0.02


def similarity_figure(
    genuine: DoubleArray, impostor: DoubleArray, threshold: float | None = None, title: str = "Similarities"
) -> Figure:
    """Draw two histograms over the same bins of width 0.02, as shares of their pairs, and the threshold."""
    low = min(float(genuine.min()), float(impostor.min()), -0.1)
    edges = np.arange(np.floor(low * 50) / 50, 1.02, 0.02)
    counts = [np.histogram(values, edges)[0] for values in (genuine, impostor)]
    lines = {} if threshold is None else {f"threshold {threshold:.3f}": threshold}
    return _figure(counts[0], counts[1], edges, lines, title)


def counted_similarity_figure(
    counts: SimilarityCounts, thresholds: Mapping[str, float], title: str = "Similarities"
) -> Figure:
    """Draw the histograms of counted similarities and named thresholds."""
    genuine, impostor = (_bars(values) for values in (counts.genuine, counts.impostor))
    edges = np.linspace(-1, 1, _BARS + 1)
    used = np.flatnonzero(genuine + impostor)
    first = min(int(used[0]), _BARS // 2 - 5)
    return _figure(genuine[first:], impostor[first:], edges[first:], thresholds, title)


def _bars(steps: IntArray) -> IntArray:
    """Return counts in steps as those in bars; the last bar has what is at 1."""
    wide = len(steps) // _BARS
    bars = steps[: wide * _BARS].reshape(_BARS, wide).sum(axis=1)
    bars[-1] += steps[wide * _BARS :].sum()
    return np.asarray(bars, np.int64)


def _figure(
    genuine: IntArray, impostor: IntArray, edges: DoubleArray, thresholds: Mapping[str, float], title: str
) -> Figure:
    figure, (axes,) = new_figure(height=3.6)
    _draw(axes, edges, impostor, "impostor", (COLORS[1], "//"))
    if genuine.any():
        _draw(axes, edges, genuine, "genuine", (COLORS[0], ""))
    for number, (name, value) in enumerate(thresholds.items()):
        axes.axvline(value, color=INK, linestyle=DASHES[(number + 1) % len(DASHES)], linewidth=1.4, label=name)
    label(axes, "Similarity (cosine)", "Share of pairs, %", title)
    legend(axes)
    return figure


def _draw(axes: Axes, edges: DoubleArray, counts: IntArray, name: str, look: tuple[str, str]) -> None:
    """Draw one histogram as shares of its pairs, filled and outlined, in a color and with a hatch."""
    (color, hatch), pairs = look, int(counts.sum())
    middles, shares, bins = (edges[:-1] + edges[1:]) / 2, 100 * counts / pairs, list(edges)
    axes.hist(middles, bins=bins, weights=shares, color=color, alpha=0.25)
    name = f"{name} ({pairs:,} pairs)"
    axes.hist(middles, bins=bins, weights=shares, histtype="step", color=color, linewidth=1.6, hatch=hatch, label=name)
