"""Curves over the cosines of the other classes, and sub-centers: totals over tiles, by autograd within each tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from marginface.losses.chunked.batch import Batch, add_own, inverse_norms, nearest, remove_radial
from marginface.losses.chunked.gradient import CentersGradient
from marginface.losses.chunked.tiles import Tile, Tiling
from marginface.losses.chunked.totals import Total
from marginface.losses.implementation import Update


@dataclass(frozen=True, eq=False)
class Curves:
    """How TotalOfCurve works."""

    tiling: Tiling
    update: Update | None
    curve: Callable[[Tensor], Tensor]
    total: Total


class TotalOfCurve(torch.autograd.Function):
    """Directions (N, D), centers, labels, parameters of the curve → total over the other classes (N,), own centers.

    Nothing of a tile is kept: the backward pass computes its cosines again and sends the gradient through the curve.
    Parameters of a curve learn here only.
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
        by_centers = CentersGradient(batch.rows, batch.largest, work.update, wanted=ctx.needs_input_grad[1])
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
                torch.mm(scaled, batch.directions, out=by_centers.place(tile))
                _finish(by_centers, batch, tile, inverse, by_own)
        whole = by_centers.whole()
        return by_directions, None if whole is None else whole.view_as(centers), None, None, *by_parameters


class KeptTotalOfCurve(torch.autograd.Function):
    """Directions (N, D), centers, labels → total over the other classes (N,), own centers.

    The forward pass sends the derivative of the total, up to a factor for each sample, through the curve of each tile
    and keeps it: N numbers a class. The backward pass is one product per tile.
    """

    @staticmethod
    def forward(ctx: Any, directions: Tensor, centers: Tensor, labels: Tensor, work: Curves) -> tuple[Tensor, Tensor]:
        """Go through the tiles once."""
        batch = Batch.of(directions, centers, labels, work.tiling)
        kept, inverse = centers.new_empty(len(batch.rows), len(labels)), centers.new_empty(len(batch.rows), 1)
        running, maxima = work.total.running(batch.directions), []
        with work.tiling.multiplying(centers):
            for tile in batch.tiles:
                rows = batch.rows[tile.rows]
                inverse[tile.rows] = inverse_norms(rows)
                products = batch.products(tile, inverse[tile.rows]).requires_grad_()
                with torch.enable_grad():
                    numbers = work.curve(nearest(products, batch.sub_centers)).T
                derivative, maximum = running.add(numbers.detach(), tile)
                (by_products,) = torch.autograd.grad(numbers, [products], derivative, allow_unused=True)
                by_products = torch.zeros_like(products) if by_products is None else by_products
                torch.mul(by_products, inverse[tile.rows], out=kept[tile.rows])
                running.weighted.addmm_(kept[tile.rows].T, rows)
                maxima.append(maximum)
        total, by_directions = running.result()
        ctx.save_for_backward(centers, total, by_directions, kept, inverse)
        ctx.batch, ctx.work, ctx.maxima = batch, work, maxima
        return total, centers.detach()[labels]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_total: Tensor, by_own: Tensor) -> tuple[Tensor | None, ...]:
        """Go through the tiles again."""
        centers, total, by_directions, kept, inverse = ctx.saved_tensors
        work: Curves = ctx.work
        batch: Batch = ctx.batch
        by_centers = CentersGradient(batch.rows, batch.largest, work.update, wanted=ctx.needs_input_grad[1])
        with work.tiling.multiplying(centers):
            for tile, maximum in zip(batch.tiles, ctx.maxima, strict=True):
                weighted = batch.directions * work.total.factors(total, by_total, maximum)[:, None]
                torch.mm(kept[tile.rows], weighted, out=by_centers.place(tile))
                _finish(by_centers, batch, tile, inverse[tile.rows], by_own)
        whole = by_centers.whole()
        found = torch.where(total.isfinite(), by_total, 0.0)[:, None] * by_directions
        return found, None if whole is None else whole.view_as(centers), None, None


def _finish(by_centers: CentersGradient, batch: Batch, tile: Tile, inverse: Tensor, by_own: Tensor) -> None:
    """Finish the gradient of a tile: without the part along its centers, with that by the true classes."""
    place, rows = by_centers.place(tile), batch.rows[tile.rows]
    remove_radial(place, rows, inverse)
    add_own(place, tile, by_own, batch.sub_centers)
    by_centers.written(tile, place)


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
