"""What a family of published networks is: its names, ours, and which backbone its shapes say it is."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from marginface.errors import WeightsError

Shapes = Mapping[str, tuple[int, ...]]
COUNTER = "num_batches_tracked"  # of torch's batch norms; it counts steps and changes no number


@dataclass(frozen=True, slots=True)
class Network:
    """The backbone that tensors belong to: its name in BACKBONES, its options, D and S."""

    name: str
    embedding_size: int
    input_size: int
    options: Mapping[str, int | float | str | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """One family.

    Attributes:
        name: in LAYOUTS.
        family: whose it is, in words.
        anchor: a name that every network of the family has and no other does.
        network: shapes by foreign name (without prefix) → the backbone; WeightsError if there is none here.
        rename: a foreign name and all shapes → our name, None where the family has no such tensor.
        constants: our names that the family does not store, and the one number they are filled with.
    """

    name: str
    family: str
    anchor: str
    network: Callable[[Shapes], Network]
    rename: Callable[[str, Shapes], str | None]
    constants: Mapping[str, float] = field(default_factory=dict)


def by_rules(name: str, rules: Mapping[str, str]) -> str | None:
    """Return a name rewritten by the first rule (regular expression → template) that matches all of it."""
    for pattern, template in rules.items():
        found = re.fullmatch(pattern, name)
        if found:
            return found.expand(template)
    return None


def grid_side(flat: int, channels: int, name: str) -> int:
    """Return the side of the last feature map from the length of the flattened one."""
    side = math.isqrt(flat // channels)
    if side * side * channels != flat:
        raise WeightsError(f"{name}: {flat} inputs are no square map of {channels} channels")
    return side


def require(shapes: Shapes, name: str, dimensions: int) -> tuple[int, ...]:
    """Return the shape of a tensor that decides which network this is."""
    shape = shapes.get(name, ())
    if len(shape) != dimensions:
        got = f"it has shape {shape}" if name in shapes else "it is missing"
        raise WeightsError(f"{name} says which network this is, by its {dimensions} dimensions; {got}")
    return shape
