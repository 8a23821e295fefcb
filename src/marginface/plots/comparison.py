"""Losses side by side: accuracies with their intervals, and the accuracy over a grid of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from marginface.errors import InputError
from marginface.plots.style import COLORS, INK, label, new_figure
from marginface.values import DoubleArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Axis = tuple[str, Sequence[object]]  # a parameter and its values


def interval_figure(title: str, rows: Mapping[str, tuple[Sequence[float], tuple[float, float]]]) -> Figure:
    """Draw each name's accuracies (shares), one dot for each seed, their mean and their interval (low, high)."""
    figure, (axes,) = new_figure(height=1.2 + 0.42 * len(rows))
    for place, (values, (low, high)) in enumerate(rows.values()):
        axes.plot([100 * low, 100 * high], [place, place], color=COLORS[0], linewidth=2.0)
        axes.plot([100 * value for value in values], [place] * len(values), "o", color=COLORS[1], markersize=4)
        axes.plot([100 * float(np.mean(values))], [place], "|", color=COLORS[0], markersize=16, markeredgewidth=2)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    label(axes, "Accuracy, %: mean (bar), seeds (dots), 95 % interval (line)", "", title)
    return figure


def grid_figure(axes_of_grid: Sequence[Axis], accuracies: DoubleArray) -> Figure:
    """Draw accuracies (shares, NaN where nothing finished) over one parameter as a line, over two as a heat map.

    ``accuracies`` has the shape of the axes, (n,) or (n, m).

    Raises:
        InputError: there are more axes, or another shape.
    """
    shape = tuple(len(values) for _, values in axes_of_grid)
    if len(shape) not in (1, 2) or accuracies.shape != shape:
        raise InputError(f"a grid that is drawn has 1 or 2 axes; got {shape} values and {accuracies.shape} accuracies")
    if len(shape) == 1:
        return _line(axes_of_grid[0], accuracies)
    return _heat_map(axes_of_grid[0], axes_of_grid[1], accuracies)


def _line(axis: Axis, accuracies: DoubleArray) -> Figure:
    figure, (axes,) = new_figure(height=3.4)
    name, values = axis
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    places = np.asarray(values, dtype=np.float64) if numeric else np.arange(len(values), dtype=np.float64)
    order = np.argsort(places)
    axes.plot(places[order], 100 * accuracies[order], "o-", color=COLORS[0], linewidth=1.8)
    axes.set_xticks(places, [str(value) for value in values])
    label(axes, name, "Accuracy, %", f"Accuracy over {name}")
    return figure


def _heat_map(rows: Axis, columns: Axis, accuracies: DoubleArray) -> Figure:
    figure, (axes,) = new_figure(height=1.6 + 0.55 * len(rows[1]))
    axes.grid(visible=False)
    image = axes.imshow(100 * accuracies, cmap="cividis", aspect="auto")
    middle = float(np.nanmean(100 * accuracies)) if np.isfinite(accuracies).any() else 0.0
    for (row, column), value in np.ndenumerate(100 * accuracies):
        text = f"{value:.2f}" if np.isfinite(value) else "none"
        color = "white" if value < middle else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=9, color=color if np.isfinite(value) else INK)
    axes.set_yticks(range(len(rows[1])), [str(value) for value in rows[1]])
    axes.set_xticks(range(len(columns[1])), [str(value) for value in columns[1]])
    label(axes, columns[0], rows[0], f"Accuracy, %, over {rows[0]} and {columns[0]}")
    figure.colorbar(image, ax=axes, label="Accuracy, %")
    return figure
