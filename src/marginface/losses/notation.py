"""Losses as a person writes them: a name, or a name with parameters, ``x2softmax:a=-0.9,h=0,k=0.65``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from marginface.errors import InputError
from marginface.losses.table import Option


@dataclass(frozen=True)
class WrittenLoss:
    """A loss as it was written: the text, the name before the colon and the parameters after it."""

    text: str
    name: str
    options: Mapping[str, Option] = field(default_factory=dict)


def read_loss(text: str) -> WrittenLoss:
    """Read one loss; whether the name and the parameters exist is for the table LOSSES to say.

    Raises:
        InputError: a parameter is not name=value, or stands twice.

    >>> read_loss("cosface:margin=0.1").options
    {'margin': 0.1}
    """
    written = text.strip()
    name, _, parameters = written.partition(":")
    found = [_parameter(part) for part in parameters.split(",") if part]
    names = [name for name, _ in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"a parameter of a loss stands once; got {twice[0]} twice in {written!r}")
    return WrittenLoss(written, name, dict(found))


def read_losses(text: str) -> tuple[WrittenLoss, ...]:
    """Read several losses with commas between; what has an equals sign and no colon belongs to the loss before it.

    Raises:
        InputError: a parameter is not name=value or has no loss before it, there is no loss, or one is written twice.

    >>> [loss.text for loss in read_losses("softmax,x2softmax:a=-0.9,k=0.9,cosface:margin=0.1")]
    ['softmax', 'x2softmax:a=-0.9,k=0.9', 'cosface:margin=0.1']
    """
    pieces: list[str] = []
    for piece in filter(None, (part.strip() for part in text.split(","))):
        if "=" in piece.partition(":")[0]:
            if not pieces:
                raise InputError(
                    f"a parameter stands behind its loss, as in x2softmax:a=-0.9,k=0.8; got {piece!r} first"
                )
            pieces[-1] += ("," if ":" in pieces[-1] else ":") + piece
        else:
            pieces.append(piece)
    twice = sorted({piece for piece in pieces if pieces.count(piece) > 1})
    if not pieces or twice:
        raise InputError(
            f"losses are written with commas between, each once: softmax,cosface:margin=0.1,cosface:margin=0.2; "
            f"got {f'{twice[0]} twice' if twice else 'none'}"
        )
    return tuple(read_loss(piece) for piece in pieces)


def _parameter(text: str) -> tuple[str, Option]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise InputError(f"parameters of a loss are name=value with commas between: x2softmax:a=-0.9,h=0; got {text!r}")
    return name.strip(), read_value(value.strip())


def read_value(text: str) -> Option:
    """Return a number, true or false where the text is one, else the text."""
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text, text)
