"""A progress bar over images."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextmanager
def image_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error while it is a terminal; otherwise say nothing."""
    with image_bars() as show:
        yield lambda done, total: show(title, done, total)


@contextmanager
def image_bars() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for each title on standard error while it is a terminal; otherwise say nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    title = TextColumn("{task.description}")
    columns = (title, BarColumn(), MofNCompleteColumn(), TextColumn("images, left"), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as bar:

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield show
