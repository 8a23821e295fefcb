"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Print rows under headings; whole numbers stand right, with commas; what is too long is folded, and names stay."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    lines = list(rows)
    table = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0))
    for number, column in enumerate(columns):
        is_number = bool(lines) and isinstance(lines[0][number], int)
        table.add_column(column, overflow="fold", justify="right" if is_number else "left")
    for line in lines:
        table.add_row(*[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in line])
    Console(highlight=False, markup=False).print(table)
