"""Figures for reports and papers: ROC, DET, CMC, similarities, training, margins, comparisons, as SVG or PNG bytes.

curves, histograms, training, features, comparison   what was measured        style     how all of them look
margins, remarks     margins without any training, and what such a picture leaves open      sparkline   as text

Each function returns a ``matplotlib.figure.Figure``; ``render`` turns it into bytes. No pyplot, no global state.
"""

from __future__ import annotations

from marginface.plots.comparison import grid_figure, interval_figure
from marginface.plots.curves import cmc_figure, det_figure, distractor_figure, roc_figure
from marginface.plots.histograms import counted_similarity_figure, similarity_figure
from marginface.plots.margins import margin_figure, margin_picture
from marginface.plots.remarks import no_boundary, remarks
from marginface.plots.style import render
from marginface.plots.training import training_figure

__all__ = [
    "cmc_figure",
    "counted_similarity_figure",
    "det_figure",
    "distractor_figure",
    "grid_figure",
    "interval_figure",
    "margin_figure",
    "margin_picture",
    "no_boundary",
    "remarks",
    "render",
    "roc_figure",
    "similarity_figure",
    "training_figure",
]
