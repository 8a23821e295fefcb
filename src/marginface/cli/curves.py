"""``marginface curves``: pictures of margins, without any training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.options import make_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginface.losses.table import Option
    from marginface.losses.theory import TargetCurve

app = typer.Typer()


@app.command()
def curves(
    losses: Annotated[
        list[str],
        typer.Argument(
            metavar="LOSS", show_default=False, help="Names, or with parameters, as x2softmax:a=-0.9,h=0,k=0.65."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", show_default=False, help="FILE.png or FILE.svg.")],
    kind: Annotated[
        str, typer.Option("--kind", help="logit, derivative, decision, margin (over the class angle) or loss.")
    ] = "logit",
    classes: Annotated[int, typer.Option("--classes", help="C, for the loss and for margins that know it.")] = 10_000,
    scale: Annotated[float, typer.Option("--scale", help="s, for the loss.")] = 64.0,
    feature_norm: Annotated[
        float, typer.Option("--feature-norm", help="Length of the feature, for margins that look at it.")
    ] = 1.0,
) -> None:
    """Draw margins: target cosine, derivative, decision regions, margin between two classes, or loss.

    A loss without a curve of its own, such as softmax or triplet, is left out with a message. So is, of the kinds
    decision and margin, one whose classes have no boundary. What a picture leaves open about a loss is said.
    """
    from marginface.cli.extras import require_train_extra

    require_train_extra()
    from marginface.errors import InputError
    from marginface.files import write_bytes
    from marginface.plots import margin_picture, render

    if out.suffix not in {".png", ".svg"}:
        raise InputError(f"--out ends in .png or .svg; got {out}")
    found = _drawn(kind, _curves(losses, classes, feature_norm))
    picture = render(margin_picture(kind, found, num_classes=classes, scale=scale), out.suffix[1:])  # type: ignore[arg-type]
    make_folder(out.parent)
    write_bytes(out, picture)
    typer.echo(f"{out}: {kind} of {', '.join(found)}")


def _curves(losses: list[str], classes: int, feature_norm: float) -> dict[str, TargetCurve]:
    """Return the curves by what the user called them; say which losses have none."""
    from marginface.errors import InputError
    from marginface.losses import LOSSES
    from marginface.losses.notation import read_loss
    from marginface.losses.table import HeadRequest
    from marginface.losses.theory import curve_of

    found = {}
    for text in losses:
        loss = read_loss(text)
        if "," in loss.name:
            raise InputError(f"losses stand with spaces between here: {' '.join(loss.name.split(','))}; got {text}")
        _check_shape(loss.options)
        head = LOSSES[loss.name].head(HeadRequest(loss.name, classes, 2, options=loss.options))
        try:
            found[text] = curve_of(loss.name, head, feature_norm=feature_norm)
        except InputError as error:
            typer.echo(f"marginface: left out: {error}", err=True)
    return found


def _drawn(kind: str, curves: dict[str, TargetCurve]) -> dict[str, TargetCurve]:
    """Return the curves that a picture of this kind can show; say what it leaves open about each."""
    from marginface.plots import no_boundary, remarks

    reasons = {text: no_boundary(kind, curve) for text, curve in curves.items()}
    for text, curve in curves.items():
        if reasons[text]:
            typer.echo(f"marginface: left out: {text}: {reasons[text]}", err=True)
        for remark in () if reasons[text] else remarks(kind, curve):
            typer.echo(f"marginface: {text}: {remark}", err=True)
    return {text: curve for text, curve in curves.items() if not reasons[text]}


def _check_shape(options: Mapping[str, Option]) -> None:
    from marginface.errors import InputError

    shapeless = [name for name in ("scale", "gradient") if name in options]
    if shapeless:
        raise InputError(
            f"{' and '.join(shapeless)} shape no curve: --scale is for the loss, --kind derivative has both gradients"
        )
