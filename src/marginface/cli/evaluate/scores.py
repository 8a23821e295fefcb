"""``marginface evaluate scores``: a CSV file of similarities, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.evaluate.choices import Far, Nearest, Numbers, deliver_numbers, rule_of
from marginface.cli.tables import print_table

if TYPE_CHECKING:
    from marginface.evaluation.protocols.score_file import ScoreResult


def scores(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CSV file with the columns score and genuine.", show_default=False)
    ],
    far: Far = None,
    nearest: Nearest = False,
    slices: Annotated[
        list[str] | None, typer.Option("--slice", help="Divide the pairs by this column; may be repeated.")
    ] = None,
    out: Numbers = None,
) -> None:
    """Score a file of comparisons: accuracy, TAR at FAR, EER, AUC, with intervals, and by slice.

    A line is a comparison. Columns: score (higher is more alike) and genuine (1 or 0); for a ten-fold accuracy fold
    (from 0); for intervals over people identity_a and identity_b, or identity; slice, or any other column for --slice.
    """
    from marginface.evaluation.protocols.score_file import read_scores, score_table

    result = score_table(read_scores(file), fars=far or None, rule=rule_of(nearest=nearest), slices=slices or None)
    deliver_numbers({"file": str(file), **result.to_dict()}, out, lambda: _print(result, file.name))


def _print(result: ScoreResult, name: str) -> None:
    from marginface.evaluation.reports.lines import score_lines, slice_lines

    print_table(("", "Figure", "95 % interval, note"), score_lines(result), title=name)
    for one in result.slices:
        title = f"By {one.column}, at the threshold {one.threshold:.4g} of all pairs"
        print_table((one.column, "FMR", "FNMR"), slice_lines(one), title=title)
