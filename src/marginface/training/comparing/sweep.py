"""One loss over a grid of its own parameters, compared as losses are, with the margin curve of every point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from marginface.errors import InputError
from marginface.evaluation.comparison.files import Comparison
from marginface.evaluation.comparison.losses import LossResult
from marginface.losses.theory import curve_of
from marginface.plots import grid_figure, margin_picture, remarks
from marginface.training.comparing.compare import Plan, compare
from marginface.training.comparing.jobs import Tell
from marginface.training.comparing.variants import Variant, recipe_of
from marginface.training.feed.sources import TrainingData
from marginface.training.learning.learner import build_head
from marginface.training.recipe import OptionValue, Recipe
from marginface.values import DoubleArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from marginface.losses.theory import TargetCurve

Grid = Mapping[str, Sequence[OptionValue]]


def sweep(recipe: Recipe, grid: Grid, plan: Plan, *, tell: Tell = lambda _text: None) -> Comparison:
    """Compare the points of a grid; the page shows the accuracy over the grid and each point's margin.

    Args:
        recipe: all but the loss and the seed.
        grid: the axes; ``plan.variants`` are its points, the last axis running fastest.
        plan: see ``compare``.
        tell: see ``compare``.
    """

    def draw(comparison: Comparison, data: TrainingData) -> dict[str, Figure]:
        results, pictures = comparison.results(), {}
        for protocol, rows in results.items() if len(grid) <= 2 else ():
            pictures[f"{protocol}, mean over seeds"] = grid_figure(list(grid.items()), _on_grid(grid, rows))
        curves = margin_curves(plan.variants, recipe, len(data.train.identities))
        for place, variant in enumerate(plan.variants):
            if variant.label in curves:
                found = "; ".join(f"{_accuracy(rows[place])} on {protocol}" for protocol, rows in results.items())
                caption = f"{variant.label}: {found or 'nothing measured'}"
                known = "".join(f" ({remark})" for remark in remarks("logit", curves[variant.label]))
                pictures[caption + known] = margin_picture("logit", {variant.label: curves[variant.label]})
        return pictures

    return compare(recipe, plan, tell=tell, draw=draw)


def margin_curves(variants: Sequence[Variant], recipe: Recipe, identities: int) -> dict[str, TargetCurve]:
    """Return the curve of each variant by its label; softmax and pair losses have none."""
    found = {}
    for variant in variants:
        head = build_head(recipe_of(variant, 0, recipe), identities)
        try:
            found[variant.label] = curve_of(variant.loss, head)
        except InputError:
            continue
    return found


def _on_grid(grid: Grid, rows: Sequence[LossResult]) -> DoubleArray:
    """Return the accuracies in the shape of the grid, NaN where nothing finished."""
    accuracies = [np.nan if row.accuracy is None else row.accuracy for row in rows]
    return np.asarray(accuracies, dtype=np.float64).reshape([len(values) for values in grid.values()])


def _accuracy(row: LossResult) -> str:
    if row.accuracy is None or row.interval is None:
        return row.trouble
    low, high = row.interval.to_list()
    return f"{100 * row.accuracy:.2f} % [{100 * low:.2f}, {100 * high:.2f}]"
