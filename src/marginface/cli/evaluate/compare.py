"""``marginface evaluate compare``: two models on the same pairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.evaluate.choices import Far, Nearest, Numbers, deliver_numbers, rule_of
from marginface.cli.tables import print_table

if TYPE_CHECKING:
    from marginface.evaluation.comparison.two_models import TwoModels


def compare(
    first: Annotated[
        Path, typer.Argument(metavar="FIRST", help="The scores of a model: a CSV file of --scores.", show_default=False)
    ],
    second: Annotated[
        Path, typer.Argument(metavar="SECOND", help="The scores of another on the same pairs.", show_default=False)
    ],
    far: Far = None,
    nearest: Nearest = False,
    out: Numbers = None,
) -> None:
    """Say whether one of two models is better on the same pairs: accuracy and TAR at FAR, over people.

    The files are those that marginface evaluate pairs --scores FILE writes, or others with the columns of marginface
    evaluate scores, in the same order. Which is better is said only where the test over people shows it.
    """
    from marginface.evaluation.comparison.two_models import compare_tables
    from marginface.evaluation.protocols.score_file import read_scores

    tables = read_scores(first), read_scores(second)
    names = (first.stem, second.stem) if first.stem != second.stem else (str(first), str(second))
    found = compare_tables(names, *tables, fars=far or None, rule=rule_of(nearest=nearest))
    deliver_numbers(found.to_dict(), out, lambda: _print(found))


def _print(found: TwoModels) -> None:
    from marginface.evaluation.comparison.two_models import two_model_lines

    print_table(("", *found.names, "Note"), two_model_lines(found), title=f"{found.pairs:,} pairs")
    for sentence in found.sentences():
        typer.echo(sentence)
