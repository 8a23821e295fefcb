"""Classes tile by tile: which samples belong to a tile, how large it is, and in which precision it multiplies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from marginface.errors import InputError

Multiply = Literal["float32", "bfloat16"]
Tiles = Literal["auto", "store", "recompute"]
NUMBERS = 2**18  # N·n of a tile, 1 MB: it stays in a core's own cache beside its centers
FEWEST, MOST = 512, 2048  # classes of a tile
STORED_BYTES = 512 * 2**20  # more than this is computed again in the backward pass


@dataclass(frozen=True)
class Tiling:
    """How the classes are taken.

    Attributes:
        multiply: "bfloat16" rounds what is multiplied, not what is summed: float32 in and out, on processors that have
            such instructions about twice as fast (docs/explanation/head.md).
        tiles: "store" keeps exp(logit) of all classes for the backward pass, "recompute" computes it again with one
            more product and N numbers per class less memory; "auto" stores up to 512 MiB.
        classes: of a tile; None: 512 to 2,048, so that its N·n numbers stay in a core's own cache.

    Raises:
        InputError: a choice is none of these.
    """

    multiply: Multiply = "float32"
    tiles: Tiles = "auto"
    classes: int | None = None

    def __post_init__(self) -> None:
        if self.multiply not in get_args(Multiply):
            raise InputError(f"multiply is one of {', '.join(get_args(Multiply))}; got {self.multiply!r}")
        if self.tiles not in get_args(Tiles):
            raise InputError(f"tiles is one of {', '.join(get_args(Tiles))}; got {self.tiles!r}")
        if self.classes is not None and self.classes < 1:
            raise InputError(f"a tile has at least 1 class; got {self.classes}. Usual: none is given")

    def classes_for(self, samples: int) -> int:
        """Return the classes of a tile for N samples."""
        return self.classes or min(max(NUMBERS // samples, FEWEST), MOST)

    def stores(self, numbers: int, bytes_each: int) -> bool:
        """Say whether so many numbers are kept for the backward pass."""
        return self.tiles == "store" or (self.tiles == "auto" and numbers * bytes_each <= STORED_BYTES)

    @contextmanager
    def multiplying(self, like: Tensor) -> Iterator[None]:
        """Multiply as chosen, outside of any autocast; the process-wide setting is put back afterwards.

        Raises:
            InputError: bfloat16 products of something else than float32 on a CPU are asked for.
        """
        switch = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
        before = switch.fp32_precision
        if self.multiply == "bfloat16" and (like.device.type != "cpu" or like.dtype != torch.float32):
            raise InputError(
                f"multiply 'bfloat16' is for float32 on a CPU; the centers are {like.dtype} on {like.device.type}. "
                "Leave multiply at 'float32'."
            )
        switch.fp32_precision = "bf16" if self.multiply == "bfloat16" else "ieee"
        try:
            with torch.autocast(like.device.type, enabled=False):
                yield
        finally:
            switch.fp32_precision = before


class Tile(NamedTuple):
    """Some classes, and the samples whose true class is among them.

    Attributes:
        rows: of the centers, the sub-centers of a class one after the other.
        samples: (n,) which samples of the batch.
        places: (n,) the place of their class in the tile.
        start: the first class.
        stop: the class after the last.
    """

    rows: slice
    samples: Tensor
    places: Tensor
    start: int
    stop: int


def tiles_of(labels: Tensor, num_classes: int, sub_centers: int, classes: int) -> list[Tile]:
    """Return the tiles of C classes for the labels of a batch (N,)."""
    starts = list(range(0, num_classes, classes))
    ordered, order = labels.sort()
    ends = torch.tensor([*starts, num_classes], device=labels.device)
    bounds = torch.searchsorted(ordered, ends).tolist()
    tiles = []
    for k, start in enumerate(starts):
        stop = min(start + classes, num_classes)
        mine = slice(bounds[k], bounds[k + 1])
        rows = slice(start * sub_centers, stop * sub_centers)
        tiles.append(Tile(rows, order[mine], ordered[mine] - start, start, stop))
    return tiles
