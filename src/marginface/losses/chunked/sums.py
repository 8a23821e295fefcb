"""Log-sum-exp over tiles and, in the same pass, its gradient by the directions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.losses.chunked.tiles import Tile


@dataclass(eq=False)
class RunningSums:
    """Σ exp(z − maximum) (N,) and Σ exp(z − maximum)·ŵ (N, D) of the tiles so far; no maximum where z is bounded."""

    total: Tensor
    weighted: Tensor
    maximum: Tensor | None

    @classmethod
    def of(cls, queries: Tensor, bounded: bool) -> RunningSums:
        """Return the sums over no class."""
        total = queries.new_zeros(len(queries))
        return cls(total, torch.zeros_like(queries), None if bounded else total - torch.inf)

    def add(self, logits: Tensor, tile: Tile) -> Tensor | None:
        """Take the logits of a tile (n, N), turn them into powers in place, and return the maximum used."""
        if self.maximum is not None:
            logits[tile.places, tile.samples] = -torch.inf
            raised = torch.maximum(self.maximum, logits.amax(0))
            raised = torch.where(raised.isfinite(), raised, torch.zeros_like(raised))
            shrink = (self.maximum - raised).exp()
            self.total *= shrink
            self.weighted *= shrink[:, None]
            self.maximum = raised
        powers_of(logits, tile, self.maximum)
        self.total += logits.sum(0)
        return self.maximum

    def log_sum(self) -> Tensor:
        """Return log Σ exp(z)."""
        log = self.total.log()
        return log if self.maximum is None else log + self.maximum

    def mean(self) -> Tensor:
        """Return Σ p·ŵ (N, D), p without the true class; 0 where there is no other class."""
        return self.weighted / self.total.clamp_min(torch.finfo(self.total.dtype).tiny)[:, None]


def powers_of(logits: Tensor, tile: Tile, maximum: Tensor | None) -> Tensor:
    """Turn logits (n, N) into exp(logit − maximum), 0 at the true classes, in place."""
    powers = logits.exp_() if maximum is None else logits.sub_(maximum).exp_()
    powers[tile.places, tile.samples] = 0
    return powers


def weights_of(by_sum: Tensor, found: Tensor, maximum: Tensor | None) -> Tensor:
    """Return what exp(logit − maximum) is to be multiplied with to give g·p (N,); 0 where there is no other class."""
    at = -found if maximum is None else maximum - found
    return torch.where(found.isfinite(), by_sum * torch.where(found.isfinite(), at, 0.0).exp(), 0.0)
