"""Arguments and options that several evaluations share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from marginface.metrics.roc import FarRule

EvaluatedModel = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        show_default=False,
        help="A run or checkpoint folder, an .onnx file with its card, or a name from 'marginface weights list'.",
    ),
]
Aligned = Annotated[bool, typer.Option("--aligned", help="The images are 112×112 crops already.")]
Far = Annotated[list[float] | None, typer.Option("--far", help="Give TAR at this FAR; may be repeated.")]
Mirror = Annotated[bool, typer.Option(help="Sum the embeddings of crop and mirrored crop, as papers do.")]
Nearest = Annotated[
    bool,
    typer.Option("--nearest", help="Threshold of the nearest FAR, as common scripts have it, not of the largest ≤."),
]


def rule_of(*, nearest: bool) -> FarRule:
    """Return the name of the rule."""
    return "nearest" if nearest else "at_most"
