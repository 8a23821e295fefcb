"""``marginface curves``: pictures of margins, without any training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from marginface.losses.table import Option
    from marginface.losses.theory import TargetCurve

app = typer.Typer()


@app.command()
def curves(
    losses: Annotated[
        list[str],
        typer.Argument(
            metavar="LOSS...", show_default=False, help="Names, or with parameters: x2softmax:a=-0.9,h=0,k=0.65"
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

    A loss without a curve of its own, such as softmax or triplet, is left out with a message.
    """
    from marginface.cli.train import require_train_extra

    require_train_extra()
    from marginface.errors import InputError
    from marginface.plots import margin_picture, render

    if out.suffix not in {".png", ".svg"}:
        raise InputError(f"--out ends in .png or .svg; got {out}")
    found = _curves(losses, classes, feature_norm)
    picture = render(margin_picture(kind, found, num_classes=classes, scale=scale), out.suffix[1:])  # type: ignore[arg-type]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(picture)
    typer.echo(f"{out}: {kind} of {', '.join(found)}")


def _curves(losses: list[str], classes: int, feature_norm: float) -> dict[str, TargetCurve]:
    """Return the curves by what the user called them; say which losses have none."""
    from marginface.errors import InputError
    from marginface.losses import LOSSES
    from marginface.losses.table import HeadRequest
    from marginface.losses.theory import curve_of

    found = {}
    for text in losses:
        name, _, settings = text.partition(":")
        head = LOSSES[name].head(HeadRequest(name, classes, 2, options=_parameters(settings)))
        try:
            found[text] = curve_of(name, head, feature_norm=feature_norm)
        except InputError as error:
            typer.echo(f"marginface: left out: {error}", err=True)
    return found


def _parameters(settings: str) -> dict[str, Option]:
    """Return a=-0.9,h=0 as a table."""
    from marginface.errors import InputError

    found = {}
    for setting in filter(None, settings.split(",")):
        name, equals, value = setting.partition("=")
        if not equals or name in ("scale", "gradient"):
            raise InputError(
                f"parameters of a loss are name=value with commas between: x2softmax:a=-0.9,h=0; got {setting!r}. "
                "Scale and gradient shape no curve: --scale is for the loss, --kind derivative has both gradients"
            )
        found[name] = _value(value)
    return found


def _value(text: str) -> Option:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text, text)
