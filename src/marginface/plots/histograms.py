"""Where the similarities of genuine and impostor pairs lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from marginface.plots.style import COLORS, INK, label, legend, new_figure
from marginface.values import DoubleArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def similarity_figure(
    genuine: DoubleArray, impostor: DoubleArray, threshold: float | None = None, title: str = "Similarities"
) -> Figure:
    """Draw two histograms over the same bins of width 0.02, as shares of their pairs, and the threshold."""
    figure, (axes,) = new_figure(height=3.6)
    low = min(float(genuine.min()), float(impostor.min()), -0.1)
    bins = np.arange(np.floor(low * 50) / 50, 1.02, 0.02)
    kinds = (("impostor", impostor, COLORS[1], "//"), ("genuine", genuine, COLORS[0], ""))
    for name, values, color, hatch in kinds:
        weights = np.full(len(values), 100 / len(values))
        name = f"{name} ({len(values):,} pairs)"
        axes.hist(values, bins=list(bins), weights=weights, color=color, alpha=0.25)
        axes.hist(
            values,
            bins=list(bins),
            weights=weights,
            histtype="step",
            color=color,
            linewidth=1.6,
            hatch=hatch,
            label=name,
        )
    if threshold is not None:
        axes.axvline(threshold, color=INK, linestyle="--", linewidth=1.4, label=f"threshold {threshold:.3f}")
    label(axes, "Similarity (cosine)", "Share of pairs, %", title)
    legend(axes)
    return figure
