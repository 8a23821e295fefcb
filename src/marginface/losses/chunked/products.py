"""Logits that are products: the log-sum-exp over the other classes, whose exponentials are kept or computed again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from marginface.losses.chunked.batch import Batch, add_own, inverse_norms
from marginface.losses.chunked.gradient import CentersGradient
from marginface.losses.chunked.sums import RunningSums, powers_of, weights_of
from marginface.losses.chunked.tiles import Tile, Tiling
from marginface.losses.implementation import Update


@dataclass(frozen=True, eq=False)
class Products:
    """How LogSumExpOfProducts works: ``bounded``: no maximum is looked for."""

    tiling: Tiling
    update: Update | None
    normalized: bool
    bounded: bool


class LogSumExpOfProducts(torch.autograd.Function):
    """Queries (N, D), centres (C, D), bias (C,) or None, labels → log-sum-exp over the others (N,), own centres (N, D).

    The gradient by the queries is Σ_j p_j·ŵ_j, a by-product of the forward pass. The backward pass has one product per
    tile, of exp(logit) with the queries; where tiles are stored, its only element-wise work on them is that of
    ``_remove_radial``.
    """

    @staticmethod
    def forward(
        ctx: Any, queries: Tensor, centers: Tensor, bias: Tensor | None, labels: Tensor, work: Products
    ) -> tuple[Tensor, Tensor]:
        """Go through the tiles once."""
        batch = Batch.of(queries, centers, labels, work.tiling)
        stored = work.tiling.stores(len(centers) * len(queries), centers.element_size())
        kept = centers.new_empty(len(centers) if stored else batch.largest, len(queries))
        sums = RunningSums.of(queries, work.bounded)
        inverse = centers.new_ones(len(centers), 1)
        maxima = []
        with work.tiling.multiplying(centers):
            for tile in batch.tiles:
                if work.normalized:
                    inverse[tile.rows] = inverse_norms(batch.rows[tile.rows])
                space = kept[tile.rows] if stored else kept[: tile.stop - tile.start]
                powers = _logits(batch, tile, inverse, bias, work.normalized, space)
                maxima.append(sums.add(powers, tile))
                if work.normalized:
                    powers.mul_(inverse[tile.rows])
                sums.weighted.addmm_(powers.T, batch.rows[tile.rows])
        found = sums.log_sum()
        ctx.save_for_backward(centers, bias, found, sums.mean(), inverse, kept if stored else None)
        ctx.batch, ctx.maxima, ctx.work = batch, maxima, work
        return found, centers.detach()[labels]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_sum: Tensor, by_own: Tensor) -> tuple[Tensor | None, ...]:
        """Go through the tiles again."""
        centers, bias, found, mean, inverse, kept = ctx.saved_tensors
        work: Products = ctx.work
        batch: Batch = ctx.batch
        by_centers = CentersGradient(batch.rows, batch.largest, work.update)
        by_bias = None if bias is None else torch.empty_like(bias)
        space = centers.new_empty(0 if kept is not None else batch.largest, len(by_sum))
        weights = weights_of(by_sum, found, None)
        weighted = batch.directions * weights[:, None]
        with work.tiling.multiplying(centers):
            for tile, maximum in zip(batch.tiles, ctx.maxima, strict=True):
                if maximum is not None:
                    weights = weights_of(by_sum, found, maximum)
                    weighted = batch.directions * weights[:, None]
                own_inverse = inverse[tile.rows]
                if kept is not None:
                    powers = kept[tile.rows]
                else:
                    space_here = space[: tile.stop - tile.start]
                    powers = powers_of(_logits(batch, tile, inverse, bias, work.normalized, space_here), tile, maximum)
                    if work.normalized:
                        powers.mul_(own_inverse)
                place = by_centers.place(tile)
                torch.mm(powers, weighted, out=place)
                if by_bias is not None:
                    torch.mv(powers, weights, out=by_bias[tile.rows])
                if work.normalized:
                    _remove_radial(place, batch.rows[tile.rows], own_inverse, powers, weights, work.bounded)
                add_own(place, tile, by_own, 1)
                by_centers.written(tile, place)
        by_queries = torch.where(found.isfinite(), by_sum, 0.0)[:, None] * mean if ctx.needs_input_grad[0] else None
        return by_queries, by_centers.whole(), by_bias, None, None


def _logits(batch: Batch, tile: Tile, inverse: Tensor, bias: Tensor | None, normalized: bool, out: Tensor) -> Tensor:
    """Return the logits of a tile (n, N)."""
    logits = batch.products(tile, inverse[tile.rows] if normalized else None, out)
    return logits if bias is None else logits.add_(bias.detach()[tile.rows, None])


def _remove_radial(
    gradient: Tensor, rows: Tensor, inverse: Tensor, powers: Tensor, weights: Tensor, bounded: bool
) -> None:
    """Take the part along the centres (n, D) out of a gradient (n, D), in place.

    That part is Σ_i g_i·p_ij·z_ij. With fewer samples than dimensions it is cheaper from the powers (n, N), which still
    know their logits, than from the gradient itself.
    """
    if bounded and powers.shape[1] < rows.shape[1]:
        logits = (powers / inverse).clamp_min_(torch.finfo(powers.dtype).tiny).log_()
        along = (logits.mul_(powers) @ weights)[:, None].mul_(inverse)
    else:
        along = torch.linalg.vecdot(gradient, rows)[:, None] * inverse.square()
    gradient.addcmul_(rows, along, value=-1)
