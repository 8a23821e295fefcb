"""Arguments and options that several evaluations share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from marginface.cli.options import STANDARD_OUTPUT, checked_place, deliver

if TYPE_CHECKING:
    from marginface.metrics.roc import FarRule

EvaluatedModel = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        show_default=False,
        help="A run or checkpoint folder, an .onnx file or its card, or a name from 'marginface weights list'.",
    ),
]
Aligned = Annotated[bool, typer.Option("--aligned", help="The images are 112×112 crops already.")]
Numbers = Annotated[
    Path | None,
    typer.Option(
        "--json",
        "--out",
        "-o",
        metavar="FILE.json",
        show_default=False,
        callback=checked_place,
        help="Write the numbers here, as JSON; - prints them and nothing else.",
    ),
]
Audit = Annotated[
    Path | None,
    typer.Option(
        "--audit",
        metavar="FILE.json",
        show_default=False,
        help="Of data audit TRAIN --against this data: the people in both stand beside the numbers.",
    ),
]
Far = Annotated[list[float] | None, typer.Option("--far", help="Give TAR at this FAR; may be repeated.")]
Mirror = Annotated[bool, typer.Option(help="Sum the embeddings of crop and mirrored crop, as papers do.")]
Nearest = Annotated[
    bool,
    typer.Option("--nearest", help="Threshold of the nearest FAR, as common scripts have it, not of the largest ≤."),
]


def deliver_numbers(value: Any, out: Path | None, show: Callable[[], object]) -> None:
    """Tell a result to people and write its numbers to a file; or print the numbers alone, where the file is -."""
    as_json = out == STANDARD_OUTPUT
    deliver(value, None if as_json else out, as_json=as_json, show=show)


def rule_of(*, nearest: bool) -> FarRule:
    """Return the name of the rule."""
    return "nearest" if nearest else "at_most"
