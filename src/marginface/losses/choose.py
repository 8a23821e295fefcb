"""Which implementation a head gets."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses.chunked import Chunked
from marginface.losses.chunked.tiles import Tiling
from marginface.losses.dense import Dense
from marginface.losses.implementation import Implementation
from marginface.losses.pairs import PairHead
from marginface.losses.sharded import Shard, Sharded
from marginface.losses.summed import without_terms

IMPLEMENTATIONS = ("auto", "dense", "chunked", "sharded")

_MANY_CLASSES = 4096  # from here on chunked is the faster one at any batch size (docs/explanation/head.md)


def use_implementation(head: nn.Module, name: str, tiling: Tiling) -> None:
    """Let a head compute its sums over classes as asked; "auto" is chunked for many classes, and so is "sharded".

    Raises:
        InputError: there is no such implementation, or the head or its implementation has no choice.
    """
    if name not in IMPLEMENTATIONS:
        raise InputError(f"implementation of a head is one of {', '.join(IMPLEMENTATIONS)}; got {name!r}")
    core = without_terms(head)
    asked = name == "chunked" or tiling != Tiling()
    if isinstance(core, PairHead):
        if asked or name == "sharded":
            raise InputError(
                "a pair loss has no classes to take in tiles or to spread: leave implementation, multiply, tiles out"
            )
        return
    if name == "dense" and tiling != Tiling():
        raise InputError("multiply and tiles are those of implementation 'chunked'; the dense one has none")
    many = len(cast(Tensor, core.centers)) >= _MANY_CLASSES
    chosen: Implementation = Chunked(tiling) if asked or (name != "dense" and many) else Dense()
    if name == "sharded":
        chosen = Sharded(chosen, cast("Shard | None", core.shard))
    core.implementation = chosen  # type: ignore[assignment]
