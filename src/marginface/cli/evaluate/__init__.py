"""``marginface evaluate``: measure a recognizer, or the similarities that one gave; a file for each command."""

from __future__ import annotations

import typer

from marginface.cli.evaluate.all_pairs import all_pairs
from marginface.cli.evaluate.compare import compare
from marginface.cli.evaluate.distractors import distractors
from marginface.cli.evaluate.groups import groups
from marginface.cli.evaluate.identify import identify
from marginface.cli.evaluate.pairs import pairs
from marginface.cli.evaluate.scores import scores
from marginface.cli.evaluate.suite import suite
from marginface.cli.evaluate.templates import templates
from marginface.cli.evaluate.tinyface import tinyface

app = typer.Typer(no_args_is_help=True)
for command in (pairs, templates, identify, distractors, tinyface, groups, all_pairs, scores, compare, suite):
    app.command()(command)


@app.callback()
def _evaluate() -> None:
    """Measure a recognizer by a protocol of the field."""
