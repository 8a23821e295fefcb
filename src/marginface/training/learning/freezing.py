"""What of a network does not learn, by the patterns of [start]; before the optimizer is made."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from torch import nn

from marginface.errors import RecipeError
from marginface.registry import near_names
from marginface.training.recipe import StartSection

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def freeze(backbone: nn.Module, patterns: Iterable[str]) -> None:
    """Take what the patterns name out of the training: parameters, and running statistics of batch norms.

    A batch norm whose ``running_mean`` is named normalizes with its statistics as they are, in training as in use; one
    whose weights alone are named goes on with those of each batch.
    """
    named = {name for name in backbone.state_dict() if any(fnmatchcase(name, pattern) for pattern in patterns)}
    for name, parameter in backbone.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and name not in named)
    for name, part in backbone.named_modules():
        if isinstance(part, _NORMS) and f"{name}.running_mean" in named:
            part.eval()


def check_patterns(backbone: nn.Module, start: StartSection) -> None:
    """Raise RecipeError if a pattern of [start] names nothing in the backbone."""
    parameters = [name for name, _ in backbone.named_parameters()]
    for key, patterns, names in (
        ("freeze", start.freeze, list(backbone.state_dict())),
        ("rates", start.rates, parameters),
    ):
        for pattern in patterns:
            _require_named(pattern, names, key)


def _require_named(pattern: str, names: list[str], key: str) -> None:
    if not any(fnmatchcase(name, pattern) for name in names):
        tops = list(
            dict.fromkeys(".".join(name.split(".")[: 2 if name.startswith("stages.") else 1]) for name in names)
        )
        raise RecipeError(
            f"[start] {key}: {pattern!r} names nothing in the backbone. {near_names(pattern, names)}Its names begin "
            f'with {", ".join(tops)}; as in "stages.0.*"'
        )
