"""Curves over the cosines of the other classes, and sub-centres: totals whose tiles are computed again going back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from marginface.losses.chunked.batch import Batch, add_own, inverse_norms, nearest
from marginface.losses.chunked.gradient import CentersGradient
from marginface.losses.chunked.tiles import Tile, Tiling
from marginface.losses.implementation import Update


class Total(Protocol):
    """What is taken over the classes of numbers (N, C')."""

    def of(self, tiles: list[Tensor], /) -> Tensor:
        """Return the total (N,) of the totals of tiles, (N,) each."""
        ...

    def of_tile(self, numbers: Tensor, other: Tensor, /) -> Tensor:
        """Return the total of a tile (N,); ``other`` (N, C') bool is false at the true class."""
        ...

    def pull(self, numbers: Tensor, total: Tensor, by_total: Tensor, /) -> Tensor:
        """Return the gradient by numbers (N, C')."""
        ...


class LogSumOfExp:
    """log Σ exp of the numbers; see Total."""

    def of(self, tiles: list[Tensor], /) -> Tensor:
        """Return the log-sum-exp over tiles."""
        return torch.stack(tiles).logsumexp(0)

    def of_tile(self, numbers: Tensor, other: Tensor, /) -> Tensor:
        """Return the log-sum-exp within a tile."""
        return torch.where(other, numbers, -torch.inf).logsumexp(1)

    def pull(self, numbers: Tensor, total: Tensor, by_total: Tensor, /) -> Tensor:
        """Return g·p; 0 where there is no other class."""
        finite = torch.where(total.isfinite(), total, torch.zeros_like(total))
        return torch.where(total.isfinite(), by_total, 0.0)[:, None] * (numbers - finite[:, None]).exp()


class PlainSum:
    """Σ of the numbers; see Total."""

    def of(self, tiles: list[Tensor], /) -> Tensor:
        """Return the sum over tiles."""
        return torch.stack(tiles).sum(0)

    def of_tile(self, numbers: Tensor, other: Tensor, /) -> Tensor:
        """Return the sum within a tile."""
        return torch.where(other, numbers, torch.zeros_like(numbers)).sum(1)

    def pull(self, numbers: Tensor, total: Tensor, by_total: Tensor, /) -> Tensor:  # noqa: ARG002
        """Return g for every number."""
        return by_total[:, None].expand_as(numbers)


@dataclass(frozen=True, eq=False)
class Curves:
    """How TotalOfCurve works."""

    tiling: Tiling
    update: Update | None
    curve: Callable[[Tensor], Tensor]
    total: Total


class TotalOfCurve(torch.autograd.Function):
    """Directions (N, D), centres, labels, parameters of the curve → total over the other classes (N,), own centres.

    Nothing of a tile is kept: the backward pass computes its cosines again and sends the gradient through the curve.
    """

    @staticmethod
    def forward(
        ctx: Any, directions: Tensor, centers: Tensor, labels: Tensor, work: Curves, *parameters: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Go through the tiles once."""
        batch = Batch.of(directions, centers, labels, work.tiling)
        totals = []
        with work.tiling.multiplying(centers):
            for tile in batch.tiles:
                products = batch.products(tile, inverse_norms(batch.rows[tile.rows]))
                numbers = work.curve(nearest(products, batch.sub_centers))
                totals.append(work.total.of_tile(numbers, _other(tile, numbers)))
        total = work.total.of(totals)
        ctx.save_for_backward(centers, total)
        ctx.batch, ctx.work, ctx.parameters = batch, work, parameters
        return total, centers.detach()[labels]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_total: Tensor, by_own: Tensor) -> tuple[Tensor | None, ...]:
        """Go through the tiles again."""
        centers, total = ctx.saved_tensors
        work: Curves = ctx.work
        batch: Batch = ctx.batch
        by_centers = CentersGradient(batch.rows, batch.largest, work.update)
        by_directions = torch.zeros_like(batch.directions)
        by_parameters = [torch.zeros_like(parameter) for parameter in ctx.parameters]
        with work.tiling.multiplying(centers):
            for tile in batch.tiles:
                rows = batch.rows[tile.rows]
                inverse = inverse_norms(rows)
                by_cosine, *by_others = _through_curve(batch.products(tile, inverse), tile, ctx, total, by_total)
                for gradient, more in zip(by_parameters, by_others, strict=True):
                    gradient += more
                scaled = by_cosine.mul_(inverse)
                by_directions.addmm_(scaled.T, rows)
                place = by_centers.place(tile)
                torch.mm(scaled, batch.directions, out=place)
                along = torch.linalg.vecdot(place, rows)[:, None] * inverse.square()
                place.addcmul_(rows, along, value=-1)
                add_own(place, tile, by_own, batch.sub_centers)
                by_centers.written(tile, place)
        whole = by_centers.whole()
        return by_directions, None if whole is None else whole.view_as(centers), None, None, *by_parameters


def _other(tile: Tile, numbers: Tensor) -> Tensor:
    """Return where the classes of a tile are not the true one (N, n)."""
    other = torch.ones_like(numbers, dtype=torch.bool)
    other[tile.samples, tile.places] = False
    return other


def _through_curve(products: Tensor, tile: Tile, ctx: Any, total: Tensor, by_total: Tensor) -> tuple[Tensor, ...]:
    """Return the gradient by products (n·K, N) and by the parameters of the curve."""
    work: Curves = ctx.work
    products.requires_grad_()
    with torch.enable_grad():
        numbers = work.curve(nearest(products, ctx.batch.sub_centers))
    pulled = work.total.pull(numbers.detach(), total, by_total)
    pulled = torch.where(_other(tile, numbers), pulled, torch.zeros_like(pulled))
    inputs = (products, *ctx.parameters)
    found = torch.autograd.grad(numbers, inputs, pulled, allow_unused=True)
    return tuple(torch.zeros_like(of) if by is None else by for by, of in zip(found, inputs, strict=True))
