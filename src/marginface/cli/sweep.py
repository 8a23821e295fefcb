"""``marginface sweep``: one loss over a grid of its parameters, the margin of each point beside its result."""

from __future__ import annotations

from typing import Annotated

import typer

from marginface.cli.compare import Cfp, Jobs, Out, Override, Recipe, Seeds, print_or_stop, tell
from marginface.cli.options import typed_command

app = typer.Typer()


@app.command()
def sweep(
    recipe: Recipe,
    loss: Annotated[
        str,
        typer.Option(
            "--loss", show_default=False, help="A loss; settings that all points share after it, as x2softmax:h=0."
        ),
    ],
    grid: Annotated[
        list[str], typer.Option("--grid", metavar="KEY=V,V,…", show_default=False, help="An axis. Repeatable.")
    ],
    out: Out,
    seeds: Seeds = 1,
    jobs: Jobs = 1,
    override: Override = None,
    cfp: Cfp = None,
) -> None:
    """Train one loss over a grid of its parameters, under equal conditions, and compare the points with the first.

    Writes sweep.html (heat map or line, margin curves), .json, .csv and .tex into --out. Many points and one seed find
    a best point by chance alone: train it again with other seeds before you believe it.
    """
    from marginface.cli.extras import require_train_extra

    require_train_extra()
    from marginface.training import read_recipe
    from marginface.training.comparing.compare import Plan
    from marginface.training.comparing.sweep import sweep as sweep_grid
    from marginface.training.comparing.variants import grid_of, read_variant

    values = read_recipe(recipe, override or [])
    axes, points = grid_of(read_variant(loss), grid)
    plan = Plan(points, seeds, out, cfp, jobs, typed_command(), name="sweep")
    print_or_stop(lambda: sweep_grid(values, axes, plan, tell=tell), out)
