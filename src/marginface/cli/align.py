"""``marginface align``: a folder tree of photos → the same tree of aligned crops."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from marginface.cli.options import JsonFlag, MinScore, print_json

app = typer.Typer()


@app.command()
def align(
    source: Annotated[Path, typer.Argument(metavar="SRC", show_default=False, help="Folder of photos.")],
    destination: Annotated[
        Path, typer.Argument(metavar="DST", show_default=False, help="New folder, or one from an earlier run.")
    ],
    face: Annotated[
        str, typer.Option(help="Which face, if there are several: largest, center, or one (several give no crop).")
    ] = "largest",
    pad: Annotated[
        float,
        typer.Option(help="Border added before detection, as a fraction of the longer side; 0.25 helps tight crops."),
    ] = 0.0,
    min_score: MinScore = 0.6,
    detector: Annotated[str, typer.Option(help="Name of the detector.")] = "yunet",
    workers: Annotated[int, typer.Option(help="Threads.")] = 2,
    as_json: JsonFlag = False,
) -> None:
    """Crop a folder tree of photos to the same tree of aligned 112×112 PNG faces.

    Run it again to go on after an interruption or to add new photos: what is done is not done twice. Photos without a
    face, with several, or unreadable are listed in DST/crops-report.json.
    """
    from marginface.cropping import REPORT, FaceCropper, crop_tree

    cropper = FaceCropper.load(detector, policy=face, min_score=min_score, pad=pad)
    with _progress_bar("Aligning") as progress:
        report = crop_tree(source, destination, cropper=cropper, workers=workers, progress=progress)
    if as_json:
        print_json(report.to_dict())
    else:
        typer.echo(report.summary())
        typer.echo(f"Crops and {REPORT} are in {destination}")


@contextmanager
def _progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error while it is a terminal; otherwise say nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TextColumn("photos, left"), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title)
        yield lambda done, total: bar.update(task, completed=done, total=total)
