"""What a line of the table LOSSES is, read from the class behind it: nothing is written down a second time."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from torch import nn

from marginface.losses.table import HeadRequest, Loss, Option, options_of

_FEW, _MANY = 1_000, 100_000  # numbers of classes at which a scale that depends on them is told


@dataclass(frozen=True)
class LossDescription:
    """What there is to say about a loss.

    Attributes:
        name: its name in the table.
        title: the first line of its docstring: what it is, with its formula.
        text: the rest: source, differences between paper and code, attributes; without the runnable example.
        defaults: each option with the value it has if it is not given.
    """

    name: str
    title: str
    text: str
    defaults: dict[str, Option]


def describe(name: str, loss: Loss) -> LossDescription:
    """Return what the docstring and the signature of a loss say.

    >>> from marginface.losses import LOSSES
    >>> describe("cosface", LOSSES["cosface"]).defaults
    {'margin': 0.35, 'scale': 64.0, 'gradient': 'exact'}
    """
    title, _, text = (inspect.getdoc(loss.described_by) or "").partition("\n")
    parameters = options_of(loss.described_by)
    defaults = {option: parameters[option].default for option in loss.options if option in parameters}
    heads = [loss.head(HeadRequest(name, classes, 2)) for classes in (_FEW, _MANY)]
    outside = {option: _default(option, heads) for option in loss.options if option not in parameters}
    return LossDescription(name, title, _without_example(text).strip(), {**defaults, **outside})


def _default(option: str, heads: list[nn.Module]) -> Option:
    """Return what heads have for an option that their class does not know: the scale, the gradient."""
    few, many = (getattr(head, option, None) for head in heads)
    if few is None:
        return "learned"
    return few if few == many else f"{few:.1f} for {_FEW:,} classes, {many:.1f} for {_MANY:,}"


def _without_example(text: str) -> str:
    """Return a docstring without its paragraphs that begin with >>>."""
    return "\n\n".join(part for part in text.split("\n\n") if not part.lstrip().startswith((">>>", "Example:")))
