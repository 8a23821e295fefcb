"""Options that several evaluations share, and their table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from marginface.metrics.roc import FarRule

Far = Annotated[list[float] | None, typer.Option("--far", help="Give TAR at this FAR; may be repeated.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the numbers here as JSON.")]
Mirror = Annotated[bool, typer.Option(help="Sum the embeddings of crop and mirrored crop, as papers do.")]
Nearest = Annotated[
    bool,
    typer.Option("--nearest", help="Threshold of the nearest FAR, as common scripts have it, not of the largest ≤."),
]


def rule_of(*, nearest: bool) -> FarRule:
    """Return the name of the rule."""
    return "nearest" if nearest else "at_most"


def lines_table(title: str, head: Sequence[str], lines: Iterable[Sequence[str]]) -> Table:
    """Return a table for the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left")
    for name in head:
        table.add_column(name)
    for line in lines:
        table.add_row(*line)
    return table
