"""The losses of a comparison: ``arcface:gradient=straight_through`` → a recipe with its loss and a seed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import torch

from marginface.errors import InputError
from marginface.losses import LOSSES, PairLoss
from marginface.losses.notation import WrittenLoss, read_loss, read_losses, read_value
from marginface.training.learning.learner import build_head
from marginface.training.recipe import OptionValue, Recipe
from marginface.training.recipe.file import recipe_from

OF_THE_SECTION = ("scale", "margin", "gradient")  # keys of [loss]; any other setting is an option of the loss
_OF_CLASSES = ("implementation", "multiply", "tiles", "sample_rate", "interclass_filter")


@dataclass(frozen=True)
class Variant:
    """A loss with settings of its own.

    Attributes:
        loss: a name in LOSSES.
        settings: options of the loss, and scale, margin and gradient.
    """

    loss: str
    settings: Mapping[str, OptionValue]

    @property
    def label(self) -> str:
        """Return how the user writes it: ``x2softmax:a=-0.9,k=0.8``."""
        written = ",".join(f"{name}={_text(value)}" for name, value in self.settings.items())
        return f"{self.loss}:{written}" if written else self.loss

    @property
    def folder(self) -> str:
        """Return the label as the name of a folder."""
        return re.sub(r"[^\w.=,+-]", "_", self.label.replace(":", "+"))


def read_variants(text: str) -> tuple[Variant, ...]:
    """Read a list of losses: a comma stands between losses, and between the settings of one.

    >>> [variant.label for variant in read_variants("arcface,x2softmax:a=-0.9,k=0.8,cosface")]
    ['arcface', 'x2softmax:a=-0.9,k=0.8', 'cosface']

    Raises:
        UnknownName: a loss is not in the table.
        InputError: the list is empty, has a loss twice, or a setting is no name=value.
    """
    return distinct([_variant(written) for written in read_losses(text)])


def read_variant(text: str) -> Variant:
    """Read one loss with its settings: ``NAME`` or ``NAME:key=value,key=value``."""
    return _variant(read_loss(text))


def _variant(written: WrittenLoss) -> Variant:
    LOSSES[written.name]
    return Variant(written.name, written.options)


def grid_of(loss: Variant, axes: Sequence[str]) -> tuple[dict[str, tuple[OptionValue, ...]], tuple[Variant, ...]]:
    """Return the axes of a grid, from ``key=value,value,…`` each, and a variant for every point.

    Raises:
        InputError: an axis has no values, or stands twice, or is set in the loss already.
    """
    found: dict[str, tuple[OptionValue, ...]] = {}
    for axis in axes:
        key, _, text = (part.strip() for part in axis.partition("="))
        values = [value.strip() for value in text.split(",")]
        if not key or not all(values) or key in found:
            raise InputError(f"--grid takes a parameter, once, and its values: --grid k=0.65,0.8; got {axis!r}")
        if key in loss.settings:
            raise InputError(
                f"{key} is set in {loss.label} already: leave it out there, or out of --grid; got {axis!r}"
            )
        found[key] = tuple(read_value(value) for value in values)
    points = [dict(zip(found, point, strict=True)) for point in product(*found.values())]
    return found, distinct([Variant(loss.loss, {**loss.settings, **point}) for point in points])


def distinct(variants: Sequence[Variant]) -> tuple[Variant, ...]:
    """Return the variants; raise InputError if there is none, or one twice."""
    labels = [variant.label for variant in variants]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if not labels or twice:
        got = f"{', '.join(twice)} twice" if twice else "none"
        raise InputError(f"a comparison needs losses, each once, as in arcface,cosface,x2softmax:k=0.8; got {got}")
    return tuple(variants)


def recipe_of(variant: Variant, seed: int, recipe: Recipe) -> Recipe:
    """Return the recipe with the loss of a variant and a seed, all else equal.

    The scale, the gradient and the warm-up of the margin in [loss] go to every loss that has one, the implementation
    and how centers learn to every loss with class centers; margin and options only to the loss that [loss] names, for
    they mean something else in another: that one gets its paper's.

    Raises:
        InputError: the settings do not fit the loss.
    """
    given, known = recipe.loss, LOSSES[variant.loss].options
    section: dict[str, object] = {"name": variant.loss, "terms": given.terms}
    if not isinstance(LOSSES[variant.loss], PairLoss):
        section |= {key: getattr(given, key) for key in _OF_CLASSES}
    section |= {key: getattr(given, key) for key in ("scale", "gradient") if key in known}
    if variant.loss == given.name:
        section |= {"margin": given.margin, "options": dict(given.options)}
    section |= {"margin_from": given.margin_from, "margin_full": given.margin_full}
    options: dict[str, OptionValue] = dict(section.get("options", {}))  # type: ignore[call-overload]
    for key, value in variant.settings.items():
        (section if key in OF_THE_SECTION else options)[key] = value
    values = recipe.model_dump()
    if isinstance(LOSSES[variant.loss], PairLoss):
        values["optim"] |= {"head_in_backward": False, "unsampled": "auto"}
    values["loss"] = {**section, "options": options}
    values["train"]["seed"] = seed
    return _with_possible_warm_up(recipe_from(values, variant.label))


def check_variants(variants: Sequence[Variant], recipe: Recipe, identities: int) -> None:
    """Build every head without memory, so that what is wrong is said before anything is trained.

    Raises:
        InputError: an option does not exist or does not fit; the message begins with the variant.
    """
    for variant in variants:
        try:
            _head(recipe_of(variant, recipe.train.seed, recipe), identities)
        except InputError as error:
            said = str(error).removeprefix(f"{variant.label}: ")  # as recipe_of names it
            raise InputError(f"{variant.label}: {said}") from None


def _head(recipe: Recipe, identities: int) -> torch.nn.Module:
    with torch.device("meta"):
        return build_head(recipe, identities)


def _with_possible_warm_up(recipe: Recipe) -> Recipe:
    """Leave out the warm-up of the margin where the loss has no margin that can grow."""
    if recipe.loss.margin_full == 0:
        return recipe
    without = recipe.model_copy(
        update={"loss": recipe.loss.model_copy(update={"margin_from": 0.0, "margin_full": 0.0})}
    )
    try:
        head = _head(without, 2)
    except InputError:  # check_variants says what is wrong, with the number of identities
        return without
    return recipe if hasattr(head, "margin_strength") else without


def _text(value: OptionValue) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value}"
