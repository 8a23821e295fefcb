"""Which implementation a head gets."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from marginface.errors import InputError
from marginface.losses.centers import ClassCenters
from marginface.losses.chunked import Chunked
from marginface.losses.chunked.tiles import Tiling
from marginface.losses.dense import Dense
from marginface.losses.filtered import NO_COSINES, Filtered
from marginface.losses.implementation import Implementation
from marginface.losses.margin import ComparesCenters
from marginface.losses.sampled import Sampled
from marginface.losses.sharded import Shard, Sharded
from marginface.losses.summed import without_terms

IMPLEMENTATIONS = ("auto", "dense", "chunked", "sharded")

_MANY_CLASSES = 4096  # from here on chunked is the faster one at any batch size (docs/explanation/head.md)


@dataclass(frozen=True)
class Classes:
    """Which classes a sample is compared with, and how.

    Attributes:
        implementation: a name in IMPLEMENTATIONS; "auto" is chunked for many classes, and so is "sharded" in each
            process, for any number.
        tiling: of chunked.
        sample_rate: the part of the classes that is drawn in each step (losses.sampled).
        interclass_filter: the cosine from which on other classes are left out (losses.filtered); None: none are.

    Raises:
        InputError: there is no such implementation, or it has no tiles.
    """

    implementation: str = "auto"
    tiling: Tiling = field(default_factory=Tiling)
    sample_rate: float = 1.0
    interclass_filter: float | None = None

    def __post_init__(self) -> None:
        if self.implementation not in IMPLEMENTATIONS:
            raise InputError(
                f"implementation of a head is one of {', '.join(IMPLEMENTATIONS)}; got {self.implementation!r}"
            )
        if self.implementation == "dense" and self.tiling != Tiling():
            raise InputError("multiply and tiles are those of implementation 'chunked'; the dense one has none")

    def build(self, num_classes: int, shard: Shard | None = None) -> Implementation:
        """Return the implementation for so many classes of this process, those of the shard where there is one.

        Raises:
            InputError: sample_rate or interclass_filter is out of range.
        """
        tiled = self.implementation in ("chunked", "sharded") or self.tiling != Tiling()
        many = self.implementation != "dense" and num_classes * min(self.sample_rate, 1) >= _MANY_CLASSES
        found: Implementation = Chunked(self.tiling) if tiled or many else Dense()
        if self.interclass_filter is not None:
            found = Filtered(found, self.interclass_filter)
        if self.sample_rate != 1:
            found = Sampled(found, self.sample_rate)
        return Sharded(found, shard) if self.implementation == "sharded" else found


def spreads(head: nn.Module) -> bool:
    """Say whether the classes of a head can be spread over processes: implementation "sharded" is for it."""
    core = without_terms(head)
    compares_centers = isinstance(getattr(core, "margin", None), ComparesCenters)
    return core is head and isinstance(core, ClassCenters) and not compares_centers


def use_implementation(head: nn.Module, classes: Classes) -> None:
    """Let a head compare samples with its classes as asked.

    Raises:
        InputError: an argument is out of range, or the head has no classes.
    """
    core = without_terms(head)
    if isinstance(core, ClassCenters):
        if classes.interclass_filter is not None and not core.compares_cosines:
            raise InputError(NO_COSINES)
        core.implementation = classes.build(len(core.centers), core.shard)
    elif classes not in (Classes(), Classes("dense")):
        raise InputError(
            "a pair loss has no classes to take in tiles, to spread, to draw from or to filter: leave implementation, "
            "multiply, tiles, sample_rate and interclass_filter out"
        )
