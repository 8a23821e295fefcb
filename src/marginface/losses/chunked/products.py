"""Logits that are products: the log-sum-exp over the other classes, whose exponentials are kept or computed again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from marginface.losses.chunked.batch import Batch, add_own, inverse_norms, remove_radial
from marginface.losses.chunked.gradient import CentersGradient
from marginface.losses.chunked.sums import RunningSums, powers_of, weights_of
from marginface.losses.chunked.tiles import Tile, Tiling
from marginface.losses.implementation import Update


@dataclass(frozen=True, eq=False)
class Products:
    """How LogSumExpOfProducts works.

    Attributes:
        tiling: how the classes are taken.
        update: what takes the gradient of the centers, or None.
        normalized: whether the centers are taken with length 1.
        stored: whether exponentials are kept for the backward pass.
        most: no logit is above it; ∞ if there is no bound. Where exp of it fits the dtype, no maximum is looked for.
    """

    tiling: Tiling
    update: Update | None
    normalized: bool
    stored: bool
    most: float


class LogSumExpOfProducts(torch.autograd.Function):
    """Queries (N, D), centers (C, D), bias (C,) or None, labels → log-sum-exp over the others (N,), own centers (N, D).

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
        bounded = _fits(work.most + math.log(len(centers)), centers.dtype)
        passed = _first_pass(batch, bias, work, bounded=bounded)
        if bounded and not _fits(work.most + passed.inverse.max().log().item(), centers.dtype):  # a very short center
            passed = _first_pass(batch, bias, work, bounded=False)
        found = passed.sums.log_sum()
        kept = passed.kept if work.stored else None
        ctx.save_for_backward(centers, bias, found, passed.sums.mean(), passed.inverse, kept)
        ctx.batch, ctx.maxima, ctx.work = batch, passed.maxima, work
        return found, centers.detach()[labels]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_sum: Tensor, by_own: Tensor) -> tuple[Tensor | None, ...]:
        """Go through the tiles again."""
        centers, bias, found, mean, inverse, kept = ctx.saved_tensors
        work: Products = ctx.work
        batch: Batch = ctx.batch
        by_centers = CentersGradient(batch.rows, batch.largest, work.update, wanted=ctx.needs_input_grad[1])
        by_bias = None if bias is None else torch.empty_like(bias)
        space = centers.new_empty(0 if kept is not None else batch.largest, len(by_sum))
        weights = weights_of(by_sum, found, None)
        weighted = batch.directions * weights[:, None]
        with work.tiling.multiplying(centers):
            for tile, maximum in zip(batch.tiles if any(ctx.needs_input_grad[1:3]) else (), ctx.maxima, strict=False):
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
                    _take_radial_out(place, batch.rows[tile.rows], own_inverse, powers, weights, maximum is None)
                add_own(place, tile, by_own, 1)
                by_centers.written(tile, place)
        by_queries = torch.where(found.isfinite(), by_sum, 0.0)[:, None] * mean if ctx.needs_input_grad[0] else None
        return by_queries, by_centers.whole(), by_bias, None, None


class _Passed(NamedTuple):
    """What the first pass over the tiles gives; ``kept`` has all exponentials where they are stored."""

    sums: RunningSums
    inverse: Tensor
    kept: Tensor
    maxima: list[Tensor | None]


def _first_pass(batch: Batch, bias: Tensor | None, work: Products, *, bounded: bool) -> _Passed:
    classes, samples = len(batch.rows), len(batch.directions)
    kept = batch.rows.new_empty(classes if work.stored else batch.largest, samples)
    sums = RunningSums.of(batch.directions, bounded)
    inverse = batch.rows.new_ones(classes, 1)
    maxima = []
    with work.tiling.multiplying(batch.rows):
        for tile in batch.tiles:
            if work.normalized:
                inverse[tile.rows] = inverse_norms(batch.rows[tile.rows])
            space = kept[tile.rows] if work.stored else kept[: tile.stop - tile.start]
            powers = _logits(batch, tile, inverse, bias, work.normalized, space)
            maxima.append(sums.add(powers, tile))
            if work.normalized:
                powers.mul_(inverse[tile.rows])
            sums.weighted.addmm_(powers.T, batch.rows[tile.rows])
    return _Passed(sums, inverse, kept, maxima)


def _fits(exponent: float, dtype: torch.dtype) -> bool:
    """Say whether exp of it fits the dtype, with a factor of 20 to spare."""
    return exponent < math.log(torch.finfo(dtype).max) - 3


def _logits(batch: Batch, tile: Tile, inverse: Tensor, bias: Tensor | None, normalized: bool, out: Tensor) -> Tensor:
    """Return the logits of a tile (n, N)."""
    logits = batch.products(tile, inverse[tile.rows] if normalized else None, out)
    return logits if bias is None else logits.add_(bias.detach()[tile.rows, None])


def _take_radial_out(
    gradient: Tensor, rows: Tensor, inverse: Tensor, powers: Tensor, weights: Tensor, bounded: bool
) -> None:
    """Take the part along the centers (n, D) out of a gradient (n, D), in place.

    That part is Σ_i g_i·p_ij·z_ij. With fewer samples than dimensions it is cheaper from the powers (n, N), which still
    know their logits, than from the gradient itself.
    """
    if bounded and powers.shape[1] < rows.shape[1]:
        logits = (powers / inverse).clamp_min_(torch.finfo(powers.dtype).tiny).log_()
        along = (
            logits.mul_(weights).mul_(powers).sum(1, keepdim=True).mul_(inverse)
        )  # the weights first: they are small
        gradient.addcmul_(rows, along, value=-1)
    else:
        remove_radial(gradient, rows, inverse)
