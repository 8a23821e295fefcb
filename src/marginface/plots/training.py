"""What a training did over its steps, from the records of its journal: loss, learning rate, accuracy, similarities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from marginface.errors import InputError
from marginface.plots.style import DASHES, label, legend, line_style, new_figure
from marginface.values import DoubleArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Journal = Sequence[Mapping[str, Any]]

_PANELS = (  # what a panel shows: keys of a record, the name of the axis, a factor
    (("loss",), "Loss (mean per image, nats)", 1.0),
    (("learning_rate",), "Learning rate", 1.0),
    (("train_accuracy",), "Training accuracy, %", 100.0),
    (("genuine_similarity", "impostor_similarity"), "Mean similarity in a batch", 1.0),
    (("accuracy_mean",), "Held-out pair accuracy, %", 100.0),
)


def series(journal: Journal, key: str) -> tuple[DoubleArray, DoubleArray]:
    """Return the steps and values of the records that hold a finite number under the key."""
    found = [
        (record["step"], record[key])
        for record in journal
        if isinstance(record.get(key), int | float) and math.isfinite(record[key]) and "step" in record
    ]
    table = np.array(found, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def training_figure(journals: Mapping[str, Journal]) -> Figure:
    """Draw one panel for each of loss, learning rate, accuracies and similarities that a journal holds.

    ``journals`` maps the name of a run to its records, each with ``step`` and any of ``loss``, ``learning_rate``,
    ``train_accuracy``, ``accuracy_mean`` (shares in [0, 1]); a pair loss has ``genuine_similarity`` and
    ``impostor_similarity`` in the place of the training accuracy.

    Raises:
        InputError: no journal holds any of these.
    """
    shown = [panel for panel in _PANELS if any(_has(journal, panel[0]) for journal in journals.values())]
    if not shown:
        known = ", ".join(key for keys, _, _ in _PANELS for key in keys)
        raise InputError(f"a training curve needs records with step and one of {known}; got none")
    figure, axes = new_figure(len(shown), height=2.1 * len(shown) + 0.5)
    for panel, (keys, name, factor) in zip(axes, shown, strict=True):
        for place, key in enumerate(keys):
            lines = {run: series(journal, key) for run, journal in journals.items()}
            _draw(panel, lines, factor, *((key, place) if len(keys) > 1 else ("", None)))
        label(panel, "", name)
        panel.set_ylabel(name, fontsize=9)
        if len(keys) > 1:
            legend(panel)
    axes[-1].set_xlabel("Step", fontsize=10)
    legend(axes[0])
    return figure


def _draw(
    panel: Axes, lines: Mapping[str, tuple[DoubleArray, DoubleArray]], factor: float, key: str, dash: int | None
) -> None:
    """Draw a line for each run that has one; where a panel has several keys the dash tells them apart."""
    for index, (run, (steps, values)) in enumerate(lines.items()):
        if key and not len(steps):
            continue
        marker = "o" if len(steps) <= 12 else None
        kind = key.partition("_")[0]
        name = run if not key else f"{kind} pairs" if len(lines) == 1 else f"{run}, {kind} pairs"
        style = line_style(index) if dash is None else {**line_style(index), "linestyle": DASHES[dash]}
        panel.plot(steps, factor * values, label=name, marker=marker, markersize=4, linewidth=1.6, **style)


def has_series(journal: Journal) -> bool:
    """Say whether a journal holds anything that ``training_figure`` draws."""
    return any(_has(journal, keys) for keys, _, _ in _PANELS)


def _has(journal: Journal, keys: Sequence[str]) -> bool:
    return any(len(series(journal, key)[0]) for key in keys)
