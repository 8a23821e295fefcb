"""Where the gradient of the centers goes, tile by tile: into one tensor, or to what updates them at once."""

from __future__ import annotations

import torch
from torch import Tensor

from marginface.losses.chunked.tiles import Tile
from marginface.losses.implementation import Update


class CentersGradient:
    """The gradient by the rows (C·K, D) of the centers.

    Args:
        rows: the centers.
        largest: how many rows the largest tile has.
        update: what takes the gradient of each tile; None: they are kept.
        wanted: false where the centers do not learn: then nobody gets it.
    """

    def __init__(self, rows: Tensor, largest: int, update: Update | None, *, wanted: bool) -> None:
        self._update, self._kept = update if wanted else None, wanted and update is None
        self._space = torch.empty_like(rows if self._kept else rows[:largest])
        if self._update is not None:
            self._update.begin()

    def place(self, tile: Tile) -> Tensor:
        """Return where the gradient of a tile (n, D) is written."""
        return self._space[tile.rows] if self._kept else self._space[: tile.rows.stop - tile.rows.start]

    def written(self, tile: Tile, place: Tensor) -> None:
        """Say that the gradient of a tile is in its place. The centers of the tile may change."""
        if self._update is not None:
            self._update.step(tile.rows, place)

    def whole(self) -> Tensor | None:
        """Return the gradient, None where an update took it or nobody wants it."""
        return self._space if self._kept else None
