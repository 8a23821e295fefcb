"""Progress bars on standard error, shown while it is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextmanager
def progress_bar(title: str, what: str) -> Iterator[Callable[[int, int], None]]:
    """Give what shows (done, total) of such things, as ``images``."""
    with progress_bars(what) as show:
        yield lambda done, total: show(title, done, total)


@contextmanager
def progress_bars(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """Give what shows (title, done, total): a bar for each title."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    title, unit = TextColumn("{task.description}"), TextColumn(f"{what}, left")
    columns = (title, BarColumn(), MofNCompleteColumn(), unit, TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as bar:

        def show(title: str, done: int, total: int) -> None:
            if title not in tasks:
                tasks[title] = bar.add_task(title, total=total)
            bar.update(tasks[title], completed=done, total=total)

        yield show
