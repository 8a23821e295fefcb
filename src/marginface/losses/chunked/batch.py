"""Directions against the centers of a tile."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.losses.chunked.tiles import Tile, Tiling, tiles_of
from marginface.losses.implementation import SMALLEST_NORM


def inverse_norms(rows: Tensor) -> Tensor:
    """Return 1/length of some centers (n, 1)."""
    norms: Tensor = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return norms.clamp_min_(SMALLEST_NORM).reciprocal_()


def nearest(cosine: Tensor, sub_centers: int) -> Tensor:
    """Return cosines of classes (N, n) from those of their sub-centers (n·K, N)."""
    return cosine.T if sub_centers == 1 else cosine.view(-1, sub_centers, cosine.shape[1]).max(1).values.T


@dataclass(frozen=True, eq=False)
class Batch:
    """Directions (N, D) with the tiles of their classes."""

    directions: Tensor
    transposed: Tensor
    rows: Tensor
    tiles: list[Tile]
    sub_centers: int

    @classmethod
    def of(cls, directions: Tensor, centers: Tensor, labels: Tensor, tiling: Tiling) -> Batch:
        """Return a batch without its gradients."""
        sub_centers = 1 if centers.ndim == 2 else centers.shape[1]
        tiles = tiles_of(labels, len(centers), sub_centers, tiling.classes_for(len(labels)))
        directions = directions.detach()
        return cls(directions, directions.T.contiguous(), centers.detach().flatten(0, -2), tiles, sub_centers)

    @property
    def largest(self) -> int:
        """The rows of the largest tile."""
        rows: int = self.tiles[0].rows.stop
        return rows

    def products(self, tile: Tile, inverse: Tensor | None, out: Tensor | None = None) -> Tensor:
        """Return centers times directions (n, N), the centers' lengths divided out where inverse (n, 1) is given."""
        product = torch.mm(self.rows[tile.rows], self.transposed, out=out)
        return product if inverse is None else product.mul_(inverse)


def remove_radial(gradient: Tensor, rows: Tensor, inverse: Tensor) -> None:
    """Take the part along centers (n, D) out of a gradient (n, D), in place; inverse (n, 1) are their 1/lengths."""
    along = torch.linalg.vecdot(gradient, rows)[:, None] * inverse.square()
    gradient.addcmul_(rows, along, value=-1)


def add_own(place: Tensor, tile: Tile, own: Tensor, sub_centers: int) -> None:
    """Add the gradient by the true classes' centers (N, D) or (N, K, D) to that of a tile (n·K, D)."""
    if len(tile.samples):
        width = place.shape[1] * sub_centers
        place.view(-1, width).index_add_(0, tile.places, own[tile.samples].reshape(-1, width))
