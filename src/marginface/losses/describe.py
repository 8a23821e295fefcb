"""What a line of the table LOSSES is, read from the class behind it: nothing is written down a second time."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from torch import nn

from marginface.losses.head import MarginHead
from marginface.losses.margin import Observes, Reports
from marginface.losses.table import FACTS, HeadRequest, Loss, Option, options_of

_FEW, _MANY = 1_000, 100_000  # numbers of classes at which a scale that depends on them is told


@dataclass(frozen=True)
class LossDescription:
    """What there is to say about a loss.

    Attributes:
        name: its name in the table.
        title: the first line of its docstring: what it is, with its formula.
        text: the rest: source, differences between paper and code, options, and the state that is saved with the
            weights; without what only a programmer needs.
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
    found = {option: parameters[option].default for option in loss.options if option in parameters}
    defaults = {option: default for option, default in found.items() if default is not inspect.Parameter.empty}
    heads = [loss.head(HeadRequest(name, classes, 2)) for classes in (_FEW, _MANY)]
    outside = {option: _default(option, heads) for option in loss.options if option not in defaults}
    return LossDescription(name, title, _for_a_reader(text), {**defaults, **outside})


def _default(option: str, heads: list[nn.Module]) -> Option:
    """Return what heads have for an option that their class does not know: the scale, the gradient."""
    few, many = (getattr(head, option, None) for head in heads)
    if few is None:
        return _moving_scale(heads)
    return few if few == many else f"{few:.1f} for {_FEW:,} classes, {many:.1f} for {_MANY:,}"


def _moving_scale(heads: list[nn.Module]) -> str:
    """Say what moves a scale that is no fixed number, and where it starts."""
    scales = [head.scaling for head in heads if isinstance(head, MarginHead)]
    few, many = (scale.report(0)["scale"] for scale in scales if isinstance(scale, Reports))
    how = "set by each batch" if isinstance(scales[0], Observes) else "learned"
    return f"{how}, at first {few:.1f} for {_FEW:,} classes, {many:.1f} for {_MANY:,}"


def _for_a_reader(text: str) -> str:
    """Return a docstring in the words of a person who chooses a loss.

    Without examples, errors and the number of classes and dimensions, which are no options. Of a dataclass the options
    stand under Attributes; of a module under Args, and its Attributes are what it saves.
    """
    state = "State, saved with the weights:" if "\nArgs:\n" in text else "Options:"
    headings = {"Args:": "Options:", "Attributes:": state}
    kept = []
    for paragraph in text.replace("``", "`").split("\n\n"):
        first, *lines = paragraph.strip("\n").split("\n")
        if first.lstrip().startswith((">>>", "Example:", "Raises:")):
            continue
        lines = [line for line in lines if not line.lstrip().startswith(tuple(f"{fact}:" for fact in FACTS))]
        if lines or first not in headings:
            kept.append("\n".join([headings.get(first, first), *lines]))
    return "\n\n".join(kept).strip()
