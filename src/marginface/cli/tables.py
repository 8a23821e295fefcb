"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Literal


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", unbroken: Collection[str] = ()
) -> None:
    """Print rows under headings; whole numbers stand right, with commas; what is too long is folded, and names stay.

    Columns that are ``unbroken`` are never folded: what stands in them is copied into other commands.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    lines = list(rows)
    table = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0))
    for number, column in enumerate(columns):
        is_number = bool(lines) and isinstance(lines[0][number], int)
        side: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(column, overflow="fold", justify=side, no_wrap=column in unbroken)
    for line in lines:
        table.add_row(*[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in line])
    Console(highlight=False, markup=False).print(table)
